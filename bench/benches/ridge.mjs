// Whether a ridge that depends on an item's popularity ranks better than one for all: λ_i = λ · (n_i / mean n)^p, exact EASE of each market
// alone, without its largest market, whose inverse takes minutes here.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMarkets } from '../harness/data.mjs';
import { halfOf } from '../harness/halves.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { pythonWith, runPython } from '../peers/python.mjs';

const LAMBDAS = [20, 40, 80, 160];
const POWERS = [-0.5, -0.25, 0, 0.25, 0.5];
const NEGATIVES = 999;
const MOST_ITEMS = 4000;
const EVERYWHERE = { everywhere: true };

export async function ridge() {
  const python = pythonWith('numpy');
  if (!python) {
    note('ridge: NumPy is not installed (Debian: python3-numpy)');
    return;
  }
  const { name, markets } = await loadMarkets();
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-ridge-'));
  try {
    const some = markets.markets.filter(({ items }) => items.length <= MOST_ITEMS);
    for (const [m, { interactions, heldOut, users }] of some.entries()) {
      const rows = heldOut.valid.filter(({ user, item }) => user >= 0 && item >= 0);
      writeFileSync(join(folder, `${m}.indptr`), interactions.indptr);
      writeFileSync(join(folder, `${m}.indices`), interactions.indices);
      const flat = rows.flatMap(({ user, item }) => [user, item, Number(halfOf(users[user]) === 'report')]);
      writeFileSync(join(folder, `${m}.valid`), Int32Array.from(flat));
    }
    const task = { folder, markets: some.map(({ items }) => items.length), lambdas: LAMBDAS, powers: POWERS };
    const { mrr } = await runPython(python, 'ridge.py', { ...task, negatives: NEGATIVES }, 2);
    const mean = (half, l, p) => mrr.reduce((sum, market) => sum + market[l][p][half], 0) / mrr.length;
    const blocks = [
      `Data: ${name}, ${some.map((market) => market.name).join(', ')}. Exact EASE of each market alone with the ridge λ · (n_i / mean n)^p on the diagonal, n_i the users of item i; scores are sums of the positive entries. Mean MRR@10 in %, held-out rows of valid among ${NEGATIVES} sampled items, on the half that chooses / on the other.`,
      table(
        ['λ', ...POWERS.map((power) => `p = ${power}`)],
        LAMBDAS.map((lambda, l) => [
          lambda,
          ...POWERS.map((_, p) => `${(100 * mean(0, l, p)).toFixed(2)} / ${(100 * mean(1, l, p)).toFixed(2)}`),
        ]),
      ),
    ];
    for (const block of blocks) show(block);
    save('ridge', 'A ridge by popularity', blocks, { lambdas: LAMBDAS, powers: POWERS, mrr }, EVERYWHERE);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
