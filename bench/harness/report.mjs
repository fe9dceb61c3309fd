// Prints what a bench found and keeps it: bench/results/<name>.md to read, .json to compare.
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, machine } from './machine.mjs';

const results = new URL('../results/', import.meta.url);

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
 * @param {string} name @param {string} title @param {string[]} blocks Markdown, one a paragraph or table @param {object} data
 */
export function save(name, title, blocks, data) {
  const on = machine();
  mkdirSync(results, { recursive: true });
  writeFileSync(new URL(`${name}.md`, results), `${[`# ${title}`, describe(on), ...blocks].join('\n\n')}\n`);
  writeFileSync(new URL(`${name}.json`, results), `${JSON.stringify({ name, machine: on, ...data }, null, 1)}\n`);
}

/** Prints a block on stdout. */
export function show(block) {
  process.stdout.write(`${block}\n\n`);
}

/** A line about what is under way, on stderr. */
export function note(text) {
  process.stderr.write(`${text}\n`);
}
