// A store over HTTP, for machines that share no folder.
import { type Command, Option } from 'commander';
import { serveStore } from '../../cluster/stores/serve-store.ts';
import { ArgumentError } from '../../common/errors.ts';
import { FolderFiles } from '../../node/folder-files.ts';
import type { Context } from '../context.ts';
import { nonEmpty, whole } from '../options.ts';
import { isLoopback, refuseStranger } from '../service/guard.ts';

interface ServeStoreCommandOptions {
  store: string;
  port: number;
  host: string;
  readOnly?: boolean;
}

export function addServeStore(cluster: Command, context: Context): void {
  cluster
    .command('serve')
    .description('let other machines read and write the folder of a store over HTTP; M3REC_STORE_TOKEN is the token')
    .addOption(new Option('--store <folder>', 'a folder of this machine').argParser(nonEmpty).makeOptionMandatory())
    .addOption(new Option('--port <n>', 'the port; 0 takes a free one').argParser(whole(0, 65_535)).default(7420))
    .addOption(
      new Option('--host <name>', 'the address to listen at; 0.0.0.0 for all').argParser(nonEmpty).default('127.0.0.1'),
    )
    .addOption(new Option('--read-only', 'take nothing: jobs leave their bytes elsewhere'))
    .action((options) => serve(context, options));
}

async function serve(context: Context, { store, port, host, readOnly }: ServeStoreCommandOptions): Promise<void> {
  const token = process.env.M3REC_STORE_TOKEN;
  if (!token && !isLoopback(host))
    throw ArgumentError.because('--host', 'an address that others reach needs a token: set M3REC_STORE_TOKEN');
  const { serveHttp } = await import('../http.ts');
  const answer = serveStore(new FolderFiles(store), { token: token || undefined, readOnly });
  // who has no token may be a stranger's page in a browser of this machine
  const guarded = async (request: Request) => refuseStranger(request, [], undefined) ?? answer(request);
  await serveHttp(token ? answer : guarded, {
    host,
    port,
    signal: context.signal,
    graceMs: () => context.graceMs,
    onListening: (url) => context.message(`the store ${store} is at ${url} until Ctrl-C`),
  });
  context.message('stopped');
}
