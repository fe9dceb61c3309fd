// Figures that README.md and docs/results.md show are those of the committed results.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { draw, ratios } from '../../bench/plots/speed.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
/** The cells of a table's row, by the text that its first cell has. */
const rowOf = (text: string, first: string) =>
  text
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('**', '')))
    .find((cells) => cells[1] === first)
    ?.slice(2, -1);

test('the plot of speed is drawn from the results: node bench/plots/speed.mjs', () => {
  expect(read('docs/speed.svg')).toBe(draw(ratios()));
});

test('the accuracy of the default, of preset softmax and of EASE', () => {
  const section = read('bench/results/quality/default.md').split('## all users, clean')[1];
  const markets = ['M1 (s2)', 'M2 (t1)', 'M3 (s3)', 'M4 (t2)', 'M5 (s1)'].map((name) => rowOf(section, name)!);
  const results = read('docs/results.md');
  for (const [label, column] of [
    ['EASE, best λ per market', 2],
    ['preset `softmax`', 3],
    ['the default (`transfer`)', 4],
  ] as const) {
    const measured = markets.map((cells) => cells[column]);
    expect(rowOf(results, label), label).toEqual(measured);
    expect(rowOf(read('README.md'), label), label).toEqual(measured.map((cell) => cell.split('/')[0]));
  }
});

test('sizes', () => {
  const { rows } = JSON.parse(read('bench/results/sizes.json'));
  const [kernels, serving] = rows;
  const kilobytes = (bytes: number) => (bytes / 1000).toFixed(1);
  const results = read('docs/results.md');
  expect(rowOf(results, 'kernels')).toEqual([kilobytes(kernels.gzipped)]);
  expect(rowOf(results, 'host code that recommends (`m3rec/slim`)')).toEqual([kilobytes(serving.gzipped)]);
  for (const page of ['README.md', 'docs/guide/browser.md'])
    for (const bytes of [serving.fetched, serving.withKernels]) expect(read(page)).toContain(`${kilobytes(bytes)} kB`);
  expect(read('README.md')).toContain(`core of ${Math.round(kernels.gzipped / 1000)} kB (gzipped)`);
});
