import { type Command, Option } from 'commander';
import { ArgumentError } from '../../common/errors.ts';
import type { Context } from '../context.ts';
import { ids, nonEmpty, number, whole } from '../options.ts';
import { isLoopback } from '../service/guard.ts';

export function addServe(program: Command, context: Context): void {
  program
    .command('serve')
    .description('answer recommend, similar and rank over HTTP')
    .argument('<file>', 'the model file; SIGHUP loads it again')
    .addOption(new Option('--port <n>', 'the port; 0 takes a free one').argParser(whole(0, 65_535)).default(8080))
    .addOption(
      new Option('--host <name>', 'the address to listen at; 0.0.0.0 for all').argParser(nonEmpty).default('127.0.0.1'),
    )
    .addOption(
      new Option('--token <text>', 'answer only requests that send Authorization: Bearer with this token')
        .argParser(nonEmpty)
        .env('M3REC_TOKEN'),
    )
    .addOption(
      new Option(
        '--allow-host <names>',
        'host names, other than localhost, that requests may use if the address is local and there is no token',
      ).argParser(ids),
    )
    .addOption(new Option('--watch', 'load the file again when it has changed'))
    .addOption(
      new Option('--drain <seconds>', 'seconds that running answers have to end after SIGTERM')
        .argParser(number({ min: 0, max: 3600, integer: false }))
        .default(5),
    )
    .addOption(new Option('--log <format>', 'write a line for each request to standard output').choices(['json']))
    .addOption(
      new Option('--prefix <path>', 'the start of every path, for a service behind a gateway').argParser(nonEmpty),
    )
    .addOption(
      new Option('--cache-control <value>', 'Cache-Control of the answers to GET (default: no-cache)').argParser(
        nonEmpty,
      ),
    )
    .addOption(new Option('--cors <origins>', 'web origins whose pages may read the answers, or *').argParser(ids))
    .action((path, options) => runServe(context, path, options, program.version() as string));
}

interface ServeCommandOptions {
  host: string;
  port: number;
  token?: string;
  allowHost?: string[];
  watch?: boolean;
  drain: number;
  log?: 'json';
  cors?: string[];
  prefix?: string;
  cacheControl?: string;
}

async function runServe(
  context: Context,
  path: string,
  {
    host,
    port,
    token,
    allowHost = [],
    watch = false,
    drain,
    log,
    cors,
    prefix = '',
    cacheControl,
  }: ServeCommandOptions,
  version: string,
): Promise<void> {
  if (watch && path === '-') throw ArgumentError.because('--watch', 'standard input cannot be read again; name a file');
  // Loaded here alone: it makes Node load its own HTTP client, which not every start of Node can.
  const { Service } = await import('../service/service.ts');
  const service = new Service(context, path, {
    cors: cors?.includes('*') ? '*' : cors,
    prefix,
    cacheControl,
    token,
    hosts: token === undefined && isLoopback(host) ? allowHost : undefined,
    version,
    log: log === 'json',
    onError: (error) => context.message(`warning: ${String(error).split('\n')[0]}`),
  });
  await service.load();
  service.keepFresh(watch);
  const { serveHttp } = await import('../http.ts');
  context.setGrace('SIGTERM', 1000 * drain);
  await serveHttp(service.handler, {
    host,
    port,
    signal: context.signal,
    graceMs: () => context.graceMs,
    onListening: (url) =>
      context.message(`serving ${path} at ${url}${prefix} until Ctrl-C; ${url}${prefix}/openapi.json describes it`),
  });
  context.message('stopped');
}
