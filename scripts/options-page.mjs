// Writes docs/guide/options.md from the tables that train, the command line and the types take their options from.
import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const PAGE = fileURLToPath(new URL('../docs/guide/options.md', import.meta.url));

/** The page, of the kinds of models that `KINDS` lists. */
export function optionsPage(kinds) {
  const presets = kinds.flatMap((kind) => (kind.options.preset?.choices ?? []).map((preset) => ({ preset, kind })));
  const options = new Map(kinds.flatMap((kind) => Object.entries(kind.options)));
  const takers = (name) => kinds.filter((kind) => name in kind.options).map((kind) => kind.name);
  const rows = [...options].map(([name, spec]) => [
    `\`${name}\``,
    `\`${spec.flag}\``,
    name === 'preset' ? presets.map(({ preset }) => code(preset)).join(', ') : values(spec),
    ...presets.map(({ preset, kind }) =>
      name in kind.options ? code(defaultIn(name, kind.options[name], preset)) : '–',
    ),
    takers(name).join(', '),
    `${name === 'preset' ? texts(kinds) : spec.text}.`,
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

${table(['option', 'flag', 'values', ...presets.map(({ preset }) => `preset ${preset}`), 'model', ''], rows)}

An option out of its range is refused by name before anything is read. Without a \`model\`, it is the first of them that has the
preset and takes all the options that are given. The kinds \`ease\` and \`popularity\` accept all options of \`m3rec\` and record them
in the file, and use those that name them.
`;
}

/** What a preset has for an option. */
const defaultIn = (name, spec, preset) =>
  name === 'preset' ? preset : typeof spec.default === 'object' ? spec.default[preset] : spec.default;

/** What the presets of all kinds are. */
const texts = (kinds) => kinds.flatMap(({ options }) => options.preset?.text ?? []).join('; ');

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
