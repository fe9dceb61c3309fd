// Writes docs/guide/options.md from the tables that train, the command line and the types take their options from.
import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const PAGE = fileURLToPath(new URL('../docs/guide/options.md', import.meta.url));

/** The page, of the kinds of models that `KINDS` lists. */
export function optionsPage(kinds) {
  return `# Options

Written by \`node scripts/options-page.mjs\` from the tables in \`src/models/\`.

\`train\` takes a \`model\` (\`--model\`; ${code(kinds[0].name)} by default) and the options of that kind:

${table(
  ['model', '', 'further interactions'],
  kinds.map(({ name, title, updating }) => [
    `[\`${name}\`](#${name})`,
    `${title}.`,
    updating ? '[update](updating.md)' : 'train again',
  ]),
)}

An option out of its range is refused by name before anything is read. Without a \`model\`, it is the first of them that has the
preset and takes all the options that are given. The kinds \`ease\` and \`popularity\` accept all options of \`m3rec\` and record them
in the file, and use those that name them.

${kinds.map(sectionOf).join('\n\n')}
`;
}

/** The options of one kind. */
function sectionOf({ name: kind, options }) {
  const presets = options.preset?.choices ?? [undefined];
  const rows = Object.entries(options).map(([name, spec]) => [
    `\`${name}\``,
    `\`${spec.flag}\``,
    values(spec),
    ...presets.map((preset) => code(defaultIn(name, spec, preset))),
    `${spec.text}.`,
  ]);
  const heads = presets.map((preset) => (preset === undefined ? 'default' : `preset ${preset}`));
  const shown = rows.length > 0 ? table(['option', 'flag', 'values', ...heads, ''], rows) : 'No option.';
  return `## ${kind}\n\n${shown}`;
}

/** What a preset has for an option. */
const defaultIn = (name, spec, preset) =>
  name === 'preset' ? preset : typeof spec.default === 'object' ? spec.default[preset] : spec.default;

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
