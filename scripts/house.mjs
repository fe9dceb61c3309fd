// `npm run house`: what the folders, files, functions and kernels of a checkout come to, as house.md and folders.md in
// docs/internals say it. `npm run house -- --write` writes folders.md; with `--before FOLDER`, another checkout,
// house.md too.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FLOORS } from './floors.mjs';
import { circlesOf, functionsOf, importsOf, kernelsOf, sourcesOf } from './sources.mjs';

const MOST_LINES = 100;
const MOST_ARGUMENTS = 10;
const LARGEST = 10;
/** Files whose kernels may take more, and why. */
const EXCEPTIONS = {
  'dense/gemm.ts': "BLAS's order",
};

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** What there is to say of a checkout. */
function measure(folder) {
  const host = sourcesOf(folder, 'src');
  const assembly = sourcesOf(folder, 'assembly');
  const folderOf = (file) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '');
  const arrows = new Map();
  for (const source of host) {
    const from = folderOf(source.file);
    for (const target of importsOf(source)) {
      const to = folderOf(target);
      if (target.startsWith('..') || to === from) continue;
      const key = `${from} ${to}`;
      arrows.set(key, (arrows.get(key) ?? 0) + 1);
    }
  }
  const floor = (name) => FLOORS.findIndex((names) => names.includes(name));
  const edges = [...arrows].map(([key, count]) => ({ from: key.split(' ')[0], to: key.split(' ')[1], count }));
  const all = [
    ...host.map(({ file, text }) => ({ file: `src/${file}`, text })),
    ...assembly.map(({ file, text }) => ({ file: `assembly/${file}`, text })),
  ];
  const lines = ({ file, text }) => ({ file, lines: text.split('\n').length - 1 });
  return {
    folders: [...new Set(host.map(({ file }) => folderOf(file)))].sort(),
    files: host.length,
    edges,
    upward: edges.filter(({ from, to }) => floor(to) >= floor(from)),
    circles: circlesOf(host),
    largest: all
      .map(lines)
      .sort((a, b) => b.lines - a.lines)
      .slice(0, LARGEST),
    over400: host.map(lines).filter(({ lines }) => lines > 400).length,
    wide: share(all.flatMap(({ text }) => text.split('\n'))),
    functions: all
      .flatMap(({ file, text }) => functionsOf(text).map((each) => ({ file, ...each })))
      .filter(({ lines }) => lines > MOST_LINES)
      .sort((a, b) => b.lines - a.lines),
    kernels: kernelsOf(assembly),
  };
}

/** The share of lines over 120 columns, in percent. */
function share(lines) {
  return (100 * lines.filter((line) => line.length > 120).length) / lines.length;
}

const manyOf = ({ kernels }) =>
  kernels.filter(({ parameters }) => parameters > MOST_ARGUMENTS).sort((a, b) => b.parameters - a.parameters);
const nameOf = (folder) => (folder === '' ? 'entries' : folder);
const withReason = ({ name, file, parameters }) =>
  `${name} (${parameters}${EXCEPTIONS[file] ? `; ${EXCEPTIONS[file]}` : ''})`;
const listed = (list, none = 'none') => (list.length > 0 ? list.join(', ') : none);

function reportOf(found) {
  const { folders, files, edges, upward, circles, largest, over400, wide, functions } = found;
  return [
    `src: ${files} files in ${folders.length} folders; ${edges.length} arrows between folders`,
    `upward: ${listed(upward.map(({ from, to }) => `${nameOf(from)} → ${nameOf(to)}`))}`,
    `circles of files: ${listed(circles.map((circle) => circle.join(' ↔ ')))}`,
    `files of src over 400 lines: ${over400}; lines over 120 columns: ${wide.toFixed(1)} %`,
    `the ${LARGEST} largest: ${listed(largest.map(({ file, lines }) => `${file} ${lines}`))}`,
    `functions over ${MOST_LINES} lines: ${listed(functions.map(({ file, name, lines }) => `${file} ${name} ${lines}`))}`,
    `kernels over ${MOST_ARGUMENTS} arguments: ${listed(manyOf(found).map(withReason))} of ${found.kernels.length}`,
  ].join('\n');
}

function foldersPage({ edges, folders, upward }) {
  const here = FLOORS.map((names) => names.filter((name) => folders.includes(name))).filter(
    (names) => names.length > 0,
  );
  // an arrow that others imply says nothing
  const direct = edges.filter(
    ({ from, to }) => !edges.some((one) => one.from === from && one.to !== to && reaches(edges, one.to, to)),
  );
  return `# Folders

Written by \`npm run house -- --write\`. Folders of \`src/\`, the highest first; a file imports its own folder and lower ones, which
\`test/system/layers.test.ts\` holds. Arrows point at what is imported; those that follow from others are left out
(${edges.length} in all, ${upward.length === 0 ? 'none upward' : `${upward.length} upward`}).

\`\`\`mermaid
flowchart TD
${here
  .toReversed()
  .map(
    (names, i) =>
      `  subgraph floor${here.length - i}[" "]\n${names.map((name) => `    ${nameOf(name)}\n`).join('')}  end\n`,
  )
  .join('')}${direct.map(({ from, to }) => `  ${nameOf(from)} --> ${nameOf(to)}\n`).join('')}\`\`\`

| folder | imports (number of imports) |
|---|---|
${here
  .toReversed()
  .flat()
  .map((name) => {
    const own = edges.filter(({ from }) => from === name).sort((a, b) => b.count - a.count);
    return `| ${nameOf(name)} | ${listed(
      own.map(({ to, count }) => `${nameOf(to)} (${count})`),
      '—',
    )} |`;
  })
  .join('\n')}
`;
}

/** Whether one folder imports another, through others too. */
function reaches(edges, from, to) {
  return from === to || edges.some((edge) => edge.from === from && reaches(edges, edge.to, to));
}

function housePage(old, found) {
  const rows = (list, other, cell) =>
    Array.from(
      { length: Math.max(list.length, other.length) },
      (_, i) => `| ${cell(list[i])} | ${cell(other[i])} |`,
    ).join('\n');
  const file = (each) => (each ? `${each.file} (${each.lines})` : '');
  const method = (each) => (each ? `\`${each.name}\` in ${each.file} (${each.lines})` : '');
  const kernel = (each) => (each ? withReason(each) : '');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return `# The house, before and after

Written by \`npm run house -- --write --before FOLDER\`, FOLDER being a checkout of b5197d3, the last commit before the folders.
There all but the command line lay in one folder. After is this checkout, version ${version}. [Another page](folders.md) draws the folders.

| | before | after |
|---|---|---|
| files of \`src/\` | ${old.files} | ${found.files} |
| folders (entries counted as one) | ${old.folders.length} | ${found.folders.length} |
| arrows between folders | ${old.edges.length} | ${found.edges.length} |
| arrows upward | ${old.upward.length} | ${found.upward.length} |
| circles of files | ${listed(old.circles.map((circle) => circle.join(' ↔ ')))} | ${listed(found.circles.map((circle) => circle.join(' ↔ ')))} |
| files of \`src/\` over 400 lines | ${old.over400} | ${found.over400} |
| lines over 120 columns | ${old.wide.toFixed(1)} % | ${found.wide.toFixed(1)} % |
| exported kernels | ${old.kernels.length} | ${found.kernels.length} |
| of these over ${MOST_ARGUMENTS} arguments | ${manyOf(old).length} | ${manyOf(found).length} |

## The ${LARGEST} largest files, in lines

| before | after |
|---|---|
${rows(old.largest, found.largest, file)}

## Functions over ${MOST_LINES} lines

| before | after |
|---|---|
${rows(old.functions, found.functions, method)}

## Exported kernels over ${MOST_ARGUMENTS} arguments

| before | after |
|---|---|
${rows(manyOf(old), manyOf(found), kernel)}
`;
}

const { values } = parseArgs({ options: { write: { type: 'boolean' }, before: { type: 'string' } } });
const now = measure(root);
const before = values.before === undefined ? undefined : measure(resolve(values.before));
console.log(reportOf(now));
if (before) console.log(`\nBefore, in ${values.before}:\n\n${reportOf(before)}`);
if (values.write) {
  writeFileSync(join(root, 'docs/internals/folders.md'), foldersPage(now));
  if (before) writeFileSync(join(root, 'docs/internals/house.md'), housePage(before, now));
}
if (now.upward.length > 0) process.exitCode = 1;
