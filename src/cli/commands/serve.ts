import { type Command, Option } from 'commander';
import { createHandler } from '../../serve/handler.ts';
import type { Context } from '../context.ts';
import { ids, nonEmpty, whole } from '../options.ts';

export function addServe(program: Command, context: Context): void {
  program
    .command('serve')
    .description('answer recommend, similar and rank over HTTP')
    .argument('<file>', 'the model file')
    .addOption(new Option('--port <n>', 'the port; 0 takes a free one').argParser(whole(0, 65_535)).default(8080))
    .addOption(
      new Option('--host <name>', 'the address to listen at; 0.0.0.0 for every one')
        .argParser(nonEmpty)
        .default('127.0.0.1'),
    )
    .addOption(
      new Option('--prefix <path>', 'path that every path starts with, for a service behind a gateway').argParser(
        nonEmpty,
      ),
    )
    .addOption(
      new Option('--cache-control <value>', 'Cache-Control of the answers to GET (no-cache)').argParser(nonEmpty),
    )
    .addOption(new Option('--cors <origins>', 'web origins whose pages may read the answers, or *').argParser(ids))
    .action((path, options) => runServe(context, path, options));
}

interface ServeCommandOptions {
  host: string;
  port: number;
  cors?: string[];
  prefix?: string;
  cacheControl?: string;
}

async function runServe(
  context: Context,
  path: string,
  { host, port, cors, prefix = '', cacheControl }: ServeCommandOptions,
): Promise<void> {
  const handler = createHandler(await context.openRecommender(path), {
    cors: cors?.includes('*') ? '*' : cors,
    prefix,
    cacheControl,
    onError: (error) => context.message(`warning: ${String(error).split('\n')[0]}`),
  });
  // Loaded here alone: it makes Node load its own HTTP client, which not every start of Node can.
  const { serveHttp } = await import('../http.ts');
  await serveHttp(handler, {
    host,
    port,
    signal: context.signal,
    onListening: (url) =>
      context.message(`serving ${path} at ${url}${prefix} until Ctrl-C; ${url}${prefix}/openapi.json describes it`),
  });
  context.message('stopped');
}
