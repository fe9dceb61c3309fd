// Prints what a bench found and keeps it: .md to read, .json to compare.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, machine, machineName } from './machine.mjs';

/**
 * Where a result lies, without its extension. Times and memory depend on the machine, so results of several machines
 * lie side by side in the bench's folder, and a run on the same kind of machine replaces its own:
 * `ease/amd-epyc-2-avx512`. A result that is the same on every machine has one file: `quality/default`.
 */
export const resultFile = (name, { everywhere = false } = {}) =>
  new URL(`../results/${everywhere ? name : `${name}/${machineName()}`}`, import.meta.url);

/** A Markdown table whose columns line up as plain text; all but the first `left` columns are right-aligned. */
export function table(header, rows, left = 1) {
  const cells = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, c) => Math.max(3, ...cells.map((row) => [...row[c]].length)));
  const pad = (text, c) => {
    const gap = ' '.repeat(widths[c] - [...text].length);
    return c < left ? text + gap : gap + text;
  };
  const line = (row) => `| ${row.map(pad).join(' | ')} |`;
  const rule = `|${widths.map((width, c) => (c < left ? `${'-'.repeat(width + 2)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
}

/**
 * Writes both files of a bench; called again as more is known.
 * @param {string} name the bench, or bench/part @param {string} title
 * @param {string[]} blocks Markdown, one a paragraph or table @param {object} data
 * @param {{ everywhere?: boolean }} [where] `everywhere`: the result holds no times and no memory, so it does not
 * depend on the machine
 */
export function save(name, title, blocks, data, where) {
  const on = machine();
  const file = resultFile(name, where);
  mkdirSync(new URL('.', file), { recursive: true });
  writeFileSync(`${fileURLToPath(file)}.md`, `${[`# ${title}`, describe(on), ...blocks].join('\n\n')}\n`);
  writeFileSync(`${fileURLToPath(file)}.json`, `${JSON.stringify({ name, machine: on, ...data }, null, 1)}\n`);
}

/** Writes a plot next to a bench's results. @returns {string} its name, for a link from there */
export function savePlot(name, plot, svg) {
  const file = `${fileURLToPath(resultFile(name))}-${plot}.svg`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, svg);
  return basename(file);
}

/** Prints a block on stdout. */
export function show(block) {
  process.stdout.write(`${block}\n\n`);
}

/** A line about what is under way, on stderr. */
export function note(text) {
  process.stderr.write(`${text}\n`);
}
