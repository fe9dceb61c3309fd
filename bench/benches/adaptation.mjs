// An epoch of the market adaptation compared with the same step in PyTorch: the same batches of users, V_glob, X̂ and
// negatives.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveOptions } from '../../dist/index.js';
import { dataDirectory, loadMarkets, mergedSimilarity, mergeMarkets } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { median } from '../harness/timer.mjs';
import { trainOnce } from '../harness/training.mjs';
import { pythonWith, runPython } from '../peers/python.mjs';

const EPOCHS = 3;
const THREADS = [1, 2];

export async function adaptation() {
  const { name, markets } = await loadMarkets();
  const { dim, batch, negatives, gamma, l2, dropout } = resolveOptions({ preset: 'paper' });
  const interactions = markets.markets.reduce((sum, market) => sum + market.interactions.indices.length, 0);
  const steps = Math.max(1, Math.round(interactions / batch));
  const label = (side, threads) => `${side}, ${threads} thread${threads > 1 ? 's' : ''}`;
  const sides = [];
  for (const threads of THREADS) {
    note(`${label('m3rec', threads)} …`);
    const { stages } = await trainOnce(
      { path: dataDirectory(), options: { preset: 'paper', epochs: EPOCHS }, threads },
      () => {},
    );
    const { seconds, loss } = stages.find(({ stage }) => stage === 'adaptation');
    sides.push({ label: label('m3rec', threads), seconds: seconds / EPOCHS, loss });
  }

  const python = pythonWith('torch', 'numpy');
  let version;
  if (!python) note('PyTorch is not installed (Debian: python3-torch): not compared with');
  else {
    const folder = mkdtempSync(join(tmpdir(), 'm3rec-adaptation-'));
    try {
      const similarity = await mergedSimilarity(name, mergeMarkets(markets));
      const shapes = markets.markets.map((market, i) => write(folder, i, market, similarity, dim));
      for (const threads of THREADS) {
        note(`${label('PyTorch', threads)} …`);
        const result = await runPython(
          python,
          'adaptation.py',
          { folder, threads, steps, negatives, gamma, l2, dropout, epochs: EPOCHS, markets: shapes },
          threads,
        );
        version = result.version;
        sides.push({ label: label('PyTorch', threads), seconds: median(result.seconds), loss: result.loss });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const rows = sides.map(({ label: side, seconds: each, loss: last }) => [
    side,
    each.toFixed(2),
    `${(each / sides[0].seconds).toFixed(1)} ×`,
    last.toFixed(3),
  ]);
  const blocks = [
    `Data: ${name}, ${interactions.toLocaleString('en-US')} interactions, ${steps} batches of whole users over ${markets.markets.length} markets, d = ${dim}, ${negatives} negatives, margin loss. m3rec: the mean of ${EPOCHS} epochs. PyTorch${version ? ` ${version}` : ''}: the median of ${EPOCHS}; it is given X̂ ready made (m3rec makes it for each batch), does not check whether a negative is one of the user's own, and starts from random V_glob and U_loc = 0, so that its loss is another.`,
    table(['one epoch', 'seconds', 'time compared with the first', 'loss of an interaction'], rows),
  ];
  show(`adaptation: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('adaptation', 'Market adaptation compared with PyTorch', blocks, { data: name, steps, sides, torch: version });
}

/** Files of one market for the peer: V_glob (random), X, and X̂ = Normalize(X B) as CSR. */
function write(folder, i, { interactions: x, items }, b, dim) {
  const put = (part, array) =>
    writeFileSync(join(folder, `${i}.${part}`), new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  const n = items.length;
  const local = new Int32Array(b.cols).fill(-1);
  for (const [position, item] of items.entries()) local[item] = position;
  const rows = Array.from(items, (item) => {
    const row = [];
    let sum = 0;
    for (let e = b.indptr[item]; e < b.indptr[item + 1]; e++) {
      if (local[b.indices[e]] < 0) continue;
      row.push([local[b.indices[e]], b.values[e]]);
      sum += b.values[e];
    }
    return row.map(([j, value]) => [j, value / sum]);
  });
  const indptr = new Int32Array(x.rows + 1);
  const indices = [];
  const values = [];
  const dense = new Float64Array(n);
  for (let user = 0; user < x.rows; user++) {
    const touched = new Set();
    let sum = 0;
    for (let e = x.indptr[user]; e < x.indptr[user + 1]; e++) {
      for (const [j, value] of rows[x.indices[e]]) {
        touched.add(j);
        dense[j] += value;
        sum += value;
      }
    }
    for (const j of [...touched].sort((p, q) => p - q)) {
      indices.push(j);
      values.push(dense[j] / sum);
      dense[j] = 0;
    }
    indptr[user + 1] = indices.length;
  }
  put(
    'v',
    Float32Array.from({ length: n * dim }, (_, k) => Math.sin(k * 12.9898) * 0.5),
  );
  put('indptr', x.indptr);
  put('indices', x.indices);
  put('hindptr', indptr);
  put('hindices', Int32Array.from(indices));
  put('hvalues', Float32Array.from(values));
  return { users: x.rows, items: n, dim };
}
