// node scripts/cases-page.mjs FOLDER: runs the command of each case in that folder of inputs, and writes docs/cases.md: what
// people feed to such tools, and what happens. The rows of the page come from the runs; `npm run build` first.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHandler } from '../dist/index.js';

const inputs = process.argv[2];
if (inputs === undefined) {
  process.stderr.write('cases-page: give the folder of the cases\n');
  process.exit(2);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const at = mkdtempSync(join(tmpdir(), 'm3rec-cases-'));
cpSync(inputs, at, { recursive: true });
symlinkSync('nobody@nowhere.1:1', join(at, '20-broken-symlink/shop/.#notes'));
mkdirSync(join(at, 'node_modules'));
symlinkSync(root, join(at, 'node_modules/m3rec'), 'junction');
const cli = join(root, 'dist/cli.js');
const run = (args, input) => spawnSync(process.execPath, [cli, ...args], { cwd: at, encoding: 'utf8', input });
/** A model of a case's folder, made once. */
const models = new Map();
const modelOf = (data) => {
  if (!models.has(data)) {
    const file = `${models.size}.m3rec`;
    const { status, stderr } = run(['train', data, '-o', file, '--model', 'ease']);
    if (status !== 0) throw new Error(`${data}: ${stderr}`);
    models.set(data, file);
  }
  return models.get(data);
};

const stats = (path, ...more) => ({ args: ['stats', path, ...more] });
const asked = (data, command, ...more) => ({ model: data, args: [command, 'M', ...more] });
const de = ['--market', 'de'];
const held = (text) => ({ held: text });
const request = (path, options, body, of = (answer) => answer) => ({ path, options, body, of });

/** Number, kind, and what is tried: a command, or the test that holds what happens. */
const CASES = [
  ['01', 'A no header', stats('01-movielens-1m-dat/ratings.dat')],
  ['41', 'A no header', stats('41-lightgcn')],
  ['42', 'A no header', stats('42-netflix/combined_data_1.txt')],
  ['03', 'B column names', stats('03-movielens-latest')],
  ['14a', 'B column names', stats('14-online-retail/a/retail.csv', '--where', 'Quantity>0')],
  ['18b', 'B column names', stats('18-latin1/b')],
  ['43b', 'B column names', stats('43-known-headers/retailrocket')],
  ['43d', 'B column names', stats('43-known-headers/yelp')],
  ['43e', 'B column names', stats('43-known-headers/steam')],
  ['04', 'C separators', stats('04-xmarket-space')],
  ['13', 'C separators', stats('13-excel-sep')],
  ['07', 'D packed', stats('07-gzip/a')],
  ['07', 'D packed', stats('07-gzip/a/de/train.csv.gz')],
  ['07', 'D packed', stats('07-gzip/b')],
  ['17', 'D encoding', stats('17-utf16')],
  ['19', 'D formats', stats('19-json-lines')],
  ['19', 'D formats', stats('19-json-lines/b')],
  ['14b', 'E bad rows', stats('14-online-retail/b/retail.csv')],
  ['31t', 'E bad rows', stats('31-odd-headers/trailing')],
  ['09a', 'F quotes', stats('09-tsv-quotes/a')],
  ['09c', 'F quotes', stats('09-tsv-quotes/c')],
  ['10b', 'F quotes', stats('10-space-before-quote/b')],
  ['11', 'G silent ids', stats('11-padded-ids')],
  ['11', 'G silent ids', asked('11-padded-ids', 'recommend', ...de, '--items', 'p1 ')],
  ['12a', 'G silent ids', stats('12-repeated-header/a')],
  ['32b', 'G silent ids', stats('32-market-blank/case.csv')],
  ['31d', 'G silent ids', stats('31-odd-headers/duplicate')],
  ['31d', 'G silent ids', stats('31-odd-headers/two')],
  ['31d', 'G silent ids', stats('31-odd-headers/index')],
  ['05', 'H folders', stats('05-xmarket-flat')],
  ['06', 'H folders', stats('06-wsdm-kit/DATA')],
  ['20', 'H folders', stats('20-broken-symlink/shop')],
  ['21', 'H folders', stats('21-upper-case-name')],
  ['27', 'H folders', stats('27-single-market/ratings.csv', '--market', 'de')],
  ['27', 'H folders', stats('27-single-market/folder')],
  ['44', 'H folders', stats('44-space-folder/my shop')],
  ['24a', 'I ids of commands', asked('24-comma-ids', 'recommend', ...de, '--items', 'Warhammer 40,000')],
  [
    '24d',
    'I ids of commands',
    asked('24-comma-ids', 'recommend', ...de, '--items', 'Portal', '--without', 'Warhammer 40,000'),
  ],
  ['24f', 'I ids of commands', asked('24-comma-ids', 'rank', ...de, '--candidates', '24-comma-ids/run.tsv')],
  ['26', 'I standard input', { args: ['stats', '-'], input: '26-stdin/market-column.csv' }],
  ['25a', 'J run files', asked('25-run-files', 'rank', ...de, '--candidates', '25-run-files/empty-line.tsv')],
  ['25b', 'J run files', asked('25-run-files', 'rank', ...de, '--candidates', '25-run-files/trailing-comma.tsv')],
  ['25e', 'J run files', asked('25-run-files', 'rank', ...de, '--candidates', '25-run-files/trec.run')],
  ['25e', 'J run files', asked('25-run-files', 'rank', ...de, '--candidates', '25-run-files/comma.csv')],
  ['29a', 'K evaluation', stats('29-held-out-seen/seen')],
  ['29a', 'K evaluation', asked('29-held-out-seen/seen', 'evaluate', '--data', '29-held-out-seen/seen')],
  ['29c', 'K evaluation', asked('29-held-out-seen/strangers', 'evaluate', '--data', '29-held-out-seen/strangers')],
  ['28', 'K evaluation', asked('28-tiny/one', 'recommend', ...de, '--items', 'p1', '-k', '1000000')],
  ['30', 'K evaluation', stats('30-float-ids')],
  ['33a', 'L HTTP', asked('24-comma-ids', 'serve', '--cors', 'https://shop.example/')],
  ['34', 'L HTTP', held('URLs up to 64 kB reach the documented 414, in JSON (`test/serve/handler.test.ts`)')],
  ['36', 'L HTTP', request('/api/v1/de/recommend?items=Portal&k=1', { prefix: '/api' })],
  ['37', 'L HTTP', request('/api/openapi.json', { prefix: '/api' }, undefined, ({ servers }) => ({ servers }))],
  ['45', 'L HTTP', request('/v1/de/recommend', {}, { items: ['Portal', 40000] })],
  ['38a', 'M packages', { node: '38-packaging/use.cjs' }],
  ['38b', 'M packages', held('`moduleResolution: node` finds every entry (`test/system/types.test.ts`)')],
  [
    '38d',
    'M packages',
    held('[the guide](guide/troubleshooting.md) says to run Jest with `--experimental-vm-modules`'),
  ],
  ['47', 'M packages', held('a page bundled by Vite gives the bits of Node (`npm run hosts`)')],
  ['39', 'N long runs', held('`Recommender.close()` gives memory back, in any order (`test/recommend/close.test.ts`)')],
  [
    '40',
    'N long runs',
    held(
      '[the guide](guide/troubleshooting.md) names `wasm-unsafe-eval`; the message says that the host refused to compile',
    ),
  ],
];

const short = (text) => (text.length > 260 ? `${text.slice(0, 257)}...` : text);
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('`', "'");
async function happens({ args, model, input, held: text, path, options, body, of, node }) {
  if (text !== undefined) return ['', text];
  if (node !== undefined) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [node], { cwd: at, encoding: 'utf8' });
    const [line = ''] = (stdout + stderr).trim().split('\n');
    return [`\`node ${node}\``, cell(`exit ${status}; ${short(line.replaceAll(at, ''))}`)];
  }
  if (path !== undefined) {
    const handle = createHandler(readFileSync(join(at, modelOf('24-comma-ids'))), options);
    const init = body && {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    };
    const response = await handle(new Request(`http://localhost${path}`, init));
    const asked = `${init ? 'POST' : 'GET'} ${path}${body ? ` ${JSON.stringify(body)}` : ''}`;
    return [`\`${cell(asked)}\``, cell(`${response.status}; ${short(JSON.stringify(of(await response.json())))}`)];
  }
  const full = args.map((arg) => (arg === 'M' ? modelOf(model) : arg));
  const { status, stdout, stderr } = run(full, input && readFileSync(join(at, input)));
  const quoted = args.map((arg) => (/^[\w./:-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ');
  const said = stderr
    .replaceAll(at, '')
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/^m3rec: /, ''));
  const lines = stdout.trim().split('\n');
  const printed = lines
    .slice(0, 4)
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .join(' / ');
  const result = args[0] === 'stats' && lines.length > 1 ? countsOf(lines) : short(printed);
  const what = [`exit ${status}`, ...(result ? [result] : []), ...said.map(short)];
  return [`\`m3rec ${cell(quoted)}\``, cell(what.join('; '))];
}

/** `de: 3 users, 4 items, 5 rows` of each market. */
function countsOf([header, ...rows]) {
  const names = header.split(/ {2,}/);
  return rows
    .slice(0, -1)
    .map((row) => {
      const cells = row.trim().split(/ {2,}/);
      const [users, items, count] = ['users', 'items', 'rows'].map((name) => cells[names.indexOf(name)]);
      return `${cells[0]}: ${users} users, ${items} items, ${count} rows`;
    })
    .join(', ');
}

const rows = [];
for (const [number, kind, tried] of CASES) rows.push(`| ${[number, kind, ...(await happens(tried))].join(' | ')} |`);
writeFileSync(
  join(root, 'docs/cases.md'),
  `# What people feed to such tools

Written by \`node scripts/cases-page.mjs FOLDER\`, which runs each command on a folder of inputs modelled on public reports of
other tools (that folder is not part of the repository; \`test/data/cases.test.ts\` has the inputs of reading). \`M\` is a model of the
case's folder. Cases without a command are held by the test that is named.

| case | kind | tried | what happens |
|---|---|---|---|
${rows.join('\n')}
`,
);
rmSync(at, { recursive: true, force: true });
