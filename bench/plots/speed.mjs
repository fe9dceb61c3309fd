// node bench/plots/speed.mjs [MACHINE]: draws docs/speed.svg from the committed results of one machine: m3rec on two
// threads compared with native tools on as many. Every bar is a ratio of two figures of one run.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { table } from '../harness/report.mjs';

export const MACHINE = 'amd-epyc-2-avx512';
const ROW = 36;
const TOP = 62;
const LEFT = 240;
const WIDTH = 760;
const RIGHT = 70;
/** The axis: powers of two around 1. */
const TICKS = [0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64];

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** What is drawn: the job, the peer, how many times as fast as the peer m3rec is, and the bench that measured it. */
export function ratios(machine = MACHINE) {
  const read = (bench) =>
    JSON.parse(readFileSync(new URL(`../results/${bench}/${machine}.json`, import.meta.url), 'utf8'));
  const ease = read('ease').runs;
  const seconds = (way) => median(ease[way].map((run) => run.seconds));
  const skipgram = Object.fromEntries(read('skipgram').sides.map((side) => [side.label, side.seconds]));
  const adaptation = Object.fromEntries(read('adaptation').sides.map((side) => [side.label, side.seconds]));
  const recommend = read('recommend').seconds;
  const gemm = read('gemm').fastest;
  const row = (job, peer, ratio, bench) => ({ job, peer, ratio, bench });
  return [
    row(
      'Top 10 of 25,082 users',
      'plain JavaScript; both on 1 thread',
      recommend.JavaScript / recommend['m3rec, 1 thread'],
      'recommend',
    ),
    row(
      'Skip-gram',
      'gensim',
      skipgram['gensim, 2 threads'] / skipgram['m3rec, plain embeddings, 2 threads'],
      'skipgram',
    ),
    row(
      'An epoch of the adaptation',
      'PyTorch',
      adaptation['PyTorch, 2 threads'] / adaptation['m3rec, 2 threads'],
      'adaptation',
    ),
    row('EASE, 12,015 items, exact', 'SciPy', seconds('SciPy, 2 threads') / seconds('sparse, 2 threads'), 'ease'),
    row('Top 10 of 25,082 users', 'NumPy', recommend['NumPy, 2 threads'] / recommend['m3rec, 2 threads'], 'recommend'),
    row('Matrix product of 1024 × 1024', 'OpenBLAS; both on 1 thread', gemm.m3rec[2] / gemm.NumPy[2], 'gemm'),
  ];
}

/** Bars from the line at 1, to the right where m3rec is faster, on a logarithmic axis. */
export function draw(rows) {
  const x = (ratio) => {
    const [low, high] = [TICKS[0], TICKS[TICKS.length - 1]].map(Math.log2);
    return LEFT + ((Math.log2(ratio) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  };
  const height = TOP + ROW * rows.length + 34;
  const number = (value) => String(Math.round(10 * value) / 10);
  const text = (at, y, content, more = '') => `<text x="${number(at)}" y="${y}" ${more}>${content}</text>`;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13" role="img">`,
    '<title>Times as fast as native tools on the same two cores</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(
      16,
      26,
      'Times as fast as native tools, on the same two cores',
      'font-size="16" font-weight="600" fill="#111"',
    ),
  ];
  for (const tick of TICKS) {
    const at = number(x(tick));
    lines.push(
      `<line x1="${at}" x2="${at}" y1="${TOP - 12}" y2="${TOP + ROW * rows.length}" stroke="${tick === 1 ? '#555' : '#ddd'}"/>`,
      text(x(tick), TOP + ROW * rows.length + 20, tick, 'text-anchor="middle" fill="#555"'),
    );
  }
  for (const [i, { job, peer, ratio }] of rows.entries()) {
    const y = TOP + ROW * i;
    const [from, to] = [x(1), x(ratio)].sort((a, b) => a - b);
    const faster = ratio >= 1;
    lines.push(
      text(LEFT - 12, y + 10, job, 'text-anchor="end" fill="#111"'),
      text(LEFT - 12, y + 24, peer, 'text-anchor="end" fill="#666" font-size="11"'),
      `<rect x="${number(from)}" y="${y + 3}" width="${number(to - from)}" height="20" fill="${faster ? '#1f6fb4' : '#c2703d'}"/>`,
      text(
        faster ? to + 6 : from - 6,
        y + 18,
        `${ratio.toPrecision(2)} ×`,
        `fill="#111" ${faster ? '' : 'text-anchor="end"'}`,
      ),
    );
  }
  return `${[...lines, '</svg>'].join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const machine = process.argv[2] ?? MACHINE;
  const rows = ratios(machine);
  writeFileSync(new URL('../../docs/speed.svg', import.meta.url), draw(rows));
  process.stdout.write(
    `${table(
      ['job', 'compared with', 'times as fast', 'bench'],
      rows.map(({ job, peer, ratio, bench }) => [job, peer, ratio.toFixed(2), bench]),
      2,
    )}\n`,
  );
}
