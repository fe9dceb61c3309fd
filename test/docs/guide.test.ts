// Every fenced block of README.md and docs/guide, run as README.md of this folder says.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Block, readBlocks, replaceBlocks } from './markdown.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const guide = join(root, 'docs/guide');
const pages = [
  join(root, 'README.md'),
  ...readdirSync(guide)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => join(guide, name)),
];

/** Blocks that need somebody's account, a download or another machine, by page; at most five. */
const NOT_RUN: readonly [page: string, start: string][] = [
  ['docs/guide/edge.md', 'npx wrangler deploy'],
  ['docs/guide/data.md', 'npm install pg\n'],
  ['docs/guide/app.md', 'npx m3rec app'],
  ['docs/guide/cluster.md', 'redis-server'],
  ['docs/guide/cluster.md', 'export M3REC_STORE_TOKEN'],
];

const shared = mkdtempSync(join(tmpdir(), 'm3rec-docs-'));
const update = process.env.UPDATE_DOCS === '1';
let tarball = '';

function npm(args: string[], cwd: string): string {
  const windows = process.platform === 'win32';
  return execFileSync(windows ? 'npm.cmd' : 'npm', args, {
    cwd,
    encoding: 'utf8',
    shell: windows,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
const installArguments = () => `install --offline --no-audit --no-fund --silent --prefix ${shared} ${tarball}`;

beforeAll(() => {
  npm(['pack', '--pack-destination', shared], root);
  tarball = join(shared, readdirSync(shared).find((file) => file.endsWith('.tgz'))!);
  writeFileSync(join(shared, 'package.json'), '{ "name": "shop", "private": true, "type": "module" }');
  npm(installArguments().split(' '), shared);
  // as docs/guide/start.md makes them
  writeFileSync(
    join(shared, 'fixture.mjs'),
    `import { encodeModel, generateMarkets, train } from 'm3rec';
import { readDirectory, writeDirectory, writeFileAtomically } from 'm3rec/node';
await writeDirectory('shop', generateMarkets({ seed: 1, users: 2000, items: 600, interactions: 20000 }));
await writeFileAtomically('shop.m3rec', encodeModel(await train(await readDirectory('shop'))));
`,
  );
  execFileSync(process.execPath, ['fixture.mjs'], { cwd: shared });
});
afterAll(() => rmSync(shared, { recursive: true, force: true }));

interface Ran {
  stdout: string;
  stderr: string;
  status: number | null;
}

const settingOf = ({ words }: Block, name: string) =>
  words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);

/** One page: its blocks in order, in its own folder. */
class Page {
  readonly folder: string;
  private readonly servers: ChildProcess[] = [];
  private program = '';
  private printedBefore = '';
  private count = 0;

  constructor(
    readonly file: string,
    private readonly port: number,
  ) {
    this.folder = join(shared, 'pages', file.slice(root.length).replace(/\W/g, '-'));
    mkdirSync(this.folder, { recursive: true });
    for (const name of ['shop', 'shop.m3rec']) cpSync(join(shared, name), join(this.folder, name), { recursive: true });
    symlinkSync(join(shared, 'node_modules'), join(this.folder, 'node_modules'), 'junction');
  }

  /** What a block prints, or undefined for one that only writes a file. */
  async run(block: Block): Promise<Ran | undefined> {
    const text = block.text.replaceAll('8080', String(this.port));
    const file = settingOf(block, 'file');
    if (file !== undefined) {
      mkdirSync(dirname(join(this.folder, file)), { recursive: true });
      writeFileSync(join(this.folder, file), text);
      return undefined;
    }
    return block.language === 'js' ? this.runModule(block, text) : this.runShell(block, text);
  }

  private get environment() {
    const path = [join(shared, 'node_modules/.bin'), process.env.PATH].join(delimiter);
    return {
      ...process.env,
      PATH: path,
      NO_COLOR: '1',
      npm_config_offline: 'true',
      npm_config_update_notifier: 'false',
    };
  }

  private runModule(block: Block, text: string): Ran {
    const more = block.words.includes('more');
    this.program = more ? this.program + text : text;
    const name = `block-${++this.count}.mjs`;
    writeFileSync(join(this.folder, name), this.program);
    const host = ['page', 'deno', 'bun', 'fetch'].find((word) => block.words.includes(word));
    const before = host ? ['--import', pathToFileURL(join(here, 'page.mjs')).href] : [];
    const result = spawnSync(process.execPath, [...before, name], {
      cwd: this.folder,
      encoding: 'utf8',
      env: { ...this.environment, ...(host && { DOCS_HOST: host, DOCS_BLOCK: name }) },
      timeout: 60_000,
    });
    const stdout = more ? result.stdout.slice(this.printedBefore.length) : result.stdout;
    if (more) expect(result.stdout.slice(0, this.printedBefore.length)).toBe(this.printedBefore);
    this.printedBefore = result.stdout;
    return { stdout, stderr: result.stderr, status: result.status };
  }

  private async runShell(block: Block, text: string): Promise<Ran> {
    // npm takes a second to start: README.md uses npx as a reader does, the guide's pages what npx would find
    const npx = basename(this.file) === 'README.md' ? '' : 'npx() { "$@"; }\n';
    const script = npx + text.replace(/\bnpm install m3rec\b/g, `npm ${installArguments()}`);
    if (block.words.includes('serve')) return this.serve(script);
    // --norc: bash takes a pipe of Node's for a remote shell, and would read its start-up file
    return spawnSync('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
      cwd: this.folder,
      encoding: 'utf8',
      env: this.environment,
      timeout: 60_000,
    });
  }

  /** Starts a server, which ends with the page. */
  private async serve(script: string): Promise<Ran> {
    const child = spawn('bash', ['--norc', '-c', script], {
      cwd: this.folder,
      env: this.environment,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    this.servers.push(child);
    let stderr = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
        if (stderr.includes('http://')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`ended with ${code}: ${stderr}`)));
    });
    return { stdout: '', stderr, status: 0 };
  }

  close(): void {
    for (const { pid } of this.servers) process.kill(-pid!, 'SIGTERM');
  }
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** Numbers taken as equal, and the width of columns with them. */
const withoutNumbers = (text: string) => text.replace(/\d[\d,.]*/g, '#').replace(/ +/g, ' ');

/** What was printed against what a page shows, where a line of `…` stands for any lines. */
function matches(shown: string, printed: string): boolean {
  const parts = shown.split(/^…\n/m);
  if (parts.length === 1) return shown === printed;
  if (!printed.startsWith(parts[0]) || !printed.endsWith(parts[parts.length - 1])) return false;
  let at = parts[0].length;
  for (const part of parts.slice(1)) {
    at = printed.indexOf(part, at);
    if (at < 0) return false;
    at += part.length;
  }
  return true;
}

const OUTPUT = ['text', 'json'];
const isOutput = (block: Block) => OUTPUT.includes(block.language) && settingOf(block, 'file') === undefined;

test.each(pages.map((page) => [page.slice(root.length), page]))('%s', async (name, file) => {
  const port = await freePort();
  const page = new Page(file, port);
  const shown = new Map<number, string>();
  let ran: Ran | undefined;
  try {
    for (const block of readBlocks(file)) {
      const at = `${name}:${block.line}`;
      if (block.language === 'text' && block.words.includes('figure')) continue;
      if (isOutput(block)) {
        expect(ran, `${at}: no block before it prints anything`).toBeDefined();
        const stream = block.words.includes('stderr') ? 'stderr' : 'stdout';
        // curl prints an answer as it came, without a last line break
        const printed = ran![stream].replaceAll(String(port), '8080').replace(/[^\n]$/, '$&\n');
        const adapt = block.words.includes('varies') ? withoutNumbers : (text: string) => text;
        if (matches(adapt(block.text), adapt(printed))) continue;
        if (update && !/^…$/m.test(block.text)) shown.set(block.line, printed);
        else expect(printed, `${at}: what was printed is not what is shown`).toBe(block.text);
        continue;
      }
      expect(['js', 'sh', ...(settingOf(block, 'file') ? [block.language] : [])], `${at}: the language`).toContain(
        block.language,
      );
      if (block.words.includes('machine')) {
        ran = undefined;
        const listed = NOT_RUN.some(([page, start]) => page === name && block.text.startsWith(start));
        expect(listed, `${at} is not in NOT_RUN of this test`).toBe(true);
        continue;
      }
      ran = await page.run(block);
      if (ran)
        expect(ran.status, `${at} failed: ${ran.stderr}${ran.stdout}`).toBe(Number(settingOf(block, 'exit') ?? 0));
    }
  } finally {
    page.close();
  }
  if (shown.size > 0) writeFileSync(file, replaceBlocks(file, shown));
});

test('few blocks are not run, each of them there', () => {
  expect(NOT_RUN.length).toBeLessThanOrEqual(5);
  for (const [page, start] of NOT_RUN) {
    const blocks = readBlocks(join(root, page)).filter(({ words }) => words.includes('machine'));
    expect(
      blocks.some(({ text }) => text.startsWith(start)),
      `${page}: ${start}`,
    ).toBe(true);
  }
});
