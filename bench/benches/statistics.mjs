// Tests, corrections and metrics held against SciPy, scikit-learn where it is installed, and definitions written down a
// second time (bench/peers/significance.py): relative differences, the largest of each figure.
import { bootstrap, estimate, holm, METRICS, tTest, wilcoxon } from '../../dist/lab.js';
import { note, save, show, table } from '../harness/report.mjs';
import { pythonWith, runPython } from '../peers/python.mjs';

/** A generator of its own, so that the peers see the same numbers on every machine. */
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function casesOf() {
  const random = numbers(7);
  const normal = () => Array.from({ length: 12 }, random).reduce((a, b) => a + b, -6);
  const differences = [5, 12, 30, 50, 51, 200, 1500, 6000].flatMap((n) => [
    Array.from({ length: n }, () => normal() + 0.2),
    // as reciprocal ranks are: many zeros and ties
    Array.from({ length: n }, () => 1 / Math.ceil(10 * random()) - 1 / Math.ceil(10 * random())),
  ]);
  const ps = [2, 5, 40].map((n) => Array.from({ length: n }, () => random() ** 3));
  const users = Array.from({ length: 400 }, () => Math.floor(150 * random()));
  const rows = {
    // of halves, so that scores tie
    scores: users.map((_, i) => Array.from({ length: 60 }, () => (i % 2 ? random() : Math.floor(8 * random()) / 2))),
    targets: users.map(() => Math.floor(60 * random())),
    users,
  };
  return { differences, ps, rows, k: 10 };
}

const relative = (a, b) => (a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b), 1e-300));

export async function statistics() {
  const python = pythonWith('numpy', 'scipy');
  if (!python) return note('statistics: skipped, since no Python with numpy and scipy was found');
  const given = casesOf();
  const peer = await runPython(python, 'significance.py', given, 1);
  const worst = {};
  const hold = (name, ours, theirs) => {
    worst[name] = Math.max(worst[name] ?? 0, relative(ours, theirs));
  };
  for (const [i, values] of given.differences.entries()) {
    const [t, w, theirs] = [tTest(values), wilcoxon(values), peer.tests[i]];
    hold('t', t.t, theirs.t);
    hold('p of t', t.p, theirs.tp);
    hold("Cohen's d", t.effect, theirs.d);
    hold('interval of t', t.interval[0], theirs.interval[0]);
    hold('interval of t', t.interval[1], theirs.interval[1]);
    hold('W', Math.min(w.positive, w.negative), theirs.w);
    hold('p of Wilcoxon', w.p, theirs.wp);
  }
  for (const [i, ps] of given.ps.entries()) for (const [j, p] of holm(ps).entries()) hold('Holm', p, peer.holm[i][j]);
  const { scores, targets, users } = given.rows;
  const ranks = scores.map((row, i) => {
    const own = row[targets[i]];
    const [above, equal] = [row.filter((x) => x > own).length, row.filter((x) => x === own).length];
    return above + (equal + 1) / 2;
  });
  for (const { name, value, over } of METRICS) {
    const values = ranks.map((rank) => value(rank, given.k));
    hold(name, estimate(values, users, over).mean, peer.metrics[name]);
    if (name === 'mrr')
      hold('standard error of mrr', estimate(values, users, over).standardError, peer.metrics.mrrError);
  }
  const distinct = scores.flatMap((row, i) => (new Set(row).size === row.length ? [i] : []));
  const ndcg = METRICS.find(({ name }) => name === 'ndcg');
  for (const [j, value] of (peer.metrics.sklearn ?? []).entries())
    hold('ndcg of scikit-learn', ndcg.value(ranks[distinct[j]], given.k), value);
  const [low, high] = bootstrap(given.differences[12], { seed: 1, draws: 20_000 });
  const [a, b] = peer.tests[12].interval;
  const rows = Object.entries(worst).map(([name, value]) => [name, value.toExponential(1)]);
  const blocks = [
    `${given.differences.length} lists of 5 to 6,000 differences, half of them with ties and zeros; 400 rows of 150 users. The largest relative difference of each figure from SciPy, ${peer.metrics.sklearn ? 'scikit-learn (rows without ties) ' : ''}and the definitions in NumPy.`,
    table(['figure', 'largest relative difference'], rows),
    `The bootstrap's 95 % interval of a mean of 1,500 normal differences: ${low.toFixed(4)} to ${high.toFixed(4)}; Student's: ${a.toFixed(4)} to ${b.toFixed(4)}.`,
  ];
  for (const block of blocks) show(block);
  save('statistics', 'Statistics beside SciPy', blocks, { worst }, { everywhere: true });
}
