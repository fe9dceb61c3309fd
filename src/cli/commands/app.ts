import { type Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { nonEmpty, whole } from '../options.ts';

export function addApp(program: Command, context: Context): void {
  program
    .command('app')
    .description('serve the page in which a model is trained, tried and taken away')
    .argument('[path]', 'data (a folder or file) or a model file that the page opens with')
    .addOption(new Option('--port <n>', 'the port; 0 takes a free one').argParser(whole(0, 65_535)).default(8088))
    .addOption(
      new Option('--host <name>', 'the address to listen at; 0.0.0.0 for every one')
        .argParser(nonEmpty)
        .default('127.0.0.1'),
    )
    .addOption(new Option('--no-open', 'do not open the browser'))
    .action((path, options) => runApp(context, path, options));
}

interface AppCommandOptions {
  host: string;
  port: number;
  open: boolean;
}

async function runApp(context: Context, path: string | undefined, { host, port, open }: AppCommandOptions) {
  // Loaded here alone: it makes Node load its own HTTP client, which not every start of Node can.
  const [{ serveHttp }, { appHandler, openBrowser }] = await Promise.all([
    import('../http.ts'),
    import('../app-files.ts'),
  ]);
  const handler = await appHandler(path, host);
  await serveHttp(handler, {
    host,
    port,
    signal: context.signal,
    graceMs: () => context.graceMs,
    onListening: (url) => {
      const page = `${url}/${path === undefined ? '' : '#/given'}`;
      context.message(`the page is at ${page} until Ctrl-C`);
      if (open && !openBrowser(page)) context.message('no browser was found; open that address in one');
    },
  });
  context.message('stopped');
}
