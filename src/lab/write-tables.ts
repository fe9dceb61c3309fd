// Tables as Markdown and LaTeX, and all results as CSV.
import { csvField } from '../common/csv.ts';
import type { TrialLine } from './run.ts';
import type { Results } from './summary.ts';
import type { ResultTable, TableCell } from './tables.ts';

const MARKS = { above: '▲', below: '▼' };

/** The best in bold, the second underlined, differences beyond chance marked. */
export function toMarkdown({ caption, header, rows, notes }: ResultTable): string {
  const escaped = (text: string) => text.replace(/[|\\<>*_`[\]]/g, (sign) => `\\${sign}`);
  const cell = ({ text, place, mark }: TableCell) => {
    const shown = escaped(text);
    const styled = place === 'best' ? `**${shown}**` : place === 'second' ? `<u>${shown}</u>` : shown;
    return mark ? `${styled} ${MARKS[mark]}` : styled;
  };
  const lines = [
    `**${escaped(caption)}**`,
    '',
    `| ${header.map(escaped).join(' | ')} |`,
    `|${header.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`,
    ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  ];
  return `${[...lines, ...notes.flatMap((note) => ['', escaped(note)])].join('\n')}\n`;
}

/** For `booktabs`. */
export function toLatex({ id, caption, header, rows, notes }: ResultTable): string {
  const cell = ({ text, place, mark }: TableCell) => {
    const shown = latex(text);
    const styled = place === 'best' ? `\\textbf{${shown}}` : place === 'second' ? `\\underline{${shown}}` : shown;
    return mark ? `${styled}$^{\\${mark === 'above' ? 'blacktriangle' : 'blacktriangledown'}}$` : styled;
  };
  return [
    '% needs \\usepackage{booktabs,amssymb}',
    '\\begin{table}',
    `\\caption{${latex([caption, ...notes].join('. '))}}`,
    `\\label{tab:${id.replace(/[^\w-]/g, '-')}}`,
    `\\begin{tabular}{l${'r'.repeat(header.length - 1)}}`,
    '\\toprule',
    `${header.map(latex).join(' & ')} \\\\`,
    '\\midrule',
    ...rows.map((row) => `${row.map(cell).join(' & ')} \\\\`),
    '\\bottomrule',
    '\\end{tabular}',
    '\\end{table}',
    '',
  ].join('\n');
}

const LATEX: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '±': '$\\pm$',
  '−': '$-$',
  '–': '--',
  '…': '\\dots{}',
  '▲': '$\\blacktriangle$',
  '▼': '$\\blacktriangledown$',
  '<': '$<$',
  '>': '$>$',
};

const latex = (text: string) =>
  text.replace(/[\\~^±−–…▲▼<>]|[&%$#_{}]/g, (sign) => LATEX[sign] ?? `\\${sign}`).replaceAll('’', "'");

const COLUMNS = [
  ...['model', 'kind', 'options', 'seed', 'protocol', 'heldOut', 'market', 'rows', 'users', 'k', 'metric', 'mean'],
  ...['standardError', 'chosen', 'trainingSeconds', 'bytes', 'key'],
];

/** Every figure of every trial, a line each. */
export function toCsv({ lines, models }: Results): string {
  const chosen = new Set(models.flatMap(({ best }) => best.lines.map(({ key }) => key)));
  return [COLUMNS.join(','), ...lines.flatMap((line) => csvLines(line, chosen.has(line.key)))].join('\n').concat('\n');
}

function csvLines(line: TrialLine, chosen: boolean): string[] {
  const { name, kind, given, seed, found, measured, bytes, key } = line;
  const options = Object.entries(given)
    .map(([option, value]) => `${option}=${value}`)
    .join(' ');
  const rows: (string | number)[][] = [];
  for (const [protocol, files] of Object.entries(found))
    for (const [heldOut, markets] of Object.entries(files))
      for (const { market, rows: count, users, at } of markets)
        for (const [k, values] of Object.entries(at))
          for (const [metric, [mean, standardError]] of Object.entries(values))
            rows.push([
              ...[name, kind, options, seed ?? '', protocol, heldOut, market, count, users, k, metric, mean],
              ...[standardError, String(chosen), measured.training ?? '', bytes, key],
            ]);
  return rows.map((row) => row.map((field) => csvField(String(field))).join(','));
}
