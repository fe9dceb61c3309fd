// Writes docs/guide/options.md from the tables that train, the command line and the types take their options from.
import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const PAGE = fileURLToPath(new URL('../docs/guide/options.md', import.meta.url));

/** The page, of the kinds of models that `KINDS` lists. */
export function optionsPage(kinds) {
  const presets = [...new Set(kinds.flatMap(({ options }) => options.preset?.choices ?? []))];
  const options = new Map(kinds.flatMap((kind) => Object.entries(kind.options)));
  const takers = (name) => kinds.filter((kind) => name in kind.options).map((kind) => kind.name);
  const rows = [...options].map(([name, spec]) => [
    `\`${name}\``,
    `\`${spec.flag}\``,
    values(spec),
    ...presets.map((preset) =>
      code(name === 'preset' ? preset : typeof spec.default === 'object' ? spec.default[preset] : spec.default),
    ),
    takers(name).join(', '),
    `${spec.text}.`,
  ]);
  return `# Options

Written by \`node scripts/options-page.mjs\` from the tables in \`src/models/\`.

\`train\` takes a \`model\` (\`--model\`; ${code(kinds[0].name)} by default) and the options of that kind:

${table(
  ['model', '', 'further interactions'],
  kinds.map(({ name, title, updating }) => [
    code(name),
    `${title}.`,
    updating ? '[update](updating.md)' : 'train again',
  ]),
)}

${table(['option', 'flag', 'values', ...presets.map((preset) => `preset ${preset}`), 'model', ''], rows)}

An option out of its range is refused by name before anything is read. The kinds ${kinds
    .filter((kind) => !same(kind, options))
    .map(({ name }) => code(name))
    .join(' and ')} accept all of these options and record them in the file, and use those that name them.
`;
}

/** Whether a kind uses all options. */
const same = (kind, options) => Object.keys(kind.options).length === options.size;

const code = (value) => `\`${value}\``;

function values(spec) {
  if (spec.type === 'choice') return spec.choices.map(code).join(', ');
  const { min, max, integer, multipleOf } = spec;
  const kind = multipleOf ? `multiples of ${multipleOf}` : integer ? 'integers' : 'numbers';
  return `${kind}, ${min} to ${max}`;
}

const table = (header, rows) =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { KINDS } = await import('../dist/index.js');
  writeFileSync(PAGE, optionsPage(KINDS));
}
