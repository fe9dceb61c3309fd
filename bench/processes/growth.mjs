// One run of the growth bench, in a process of its own: reads rows that it makes, trains the default on one thread,
// writes the model, opens it and answers. Its parent sends a shape and gets { name, seconds, bytes } for each step:
// processor time, and the most memory until then.
import { readFileSync } from 'node:fs';
import { encodeModel, loadModel, readMarkets, train } from '../../dist/index.js';

process.once('disconnect', () => process.exit());

process.once('message', async ({ users, items, markets, history, repeats, columns, idLength, asked }) => {
  const began = residentBytes();
  const steps = [];
  const step = async (name, work) => {
    const start = process.cpuUsage();
    const result = await work();
    const { user, system } = process.cpuUsage(start);
    steps.push({ name, seconds: (user + system) / 1e6, bytes: residentBytes() - began });
    return result;
  };
  const idOf = (letter, number) => letter + String(number).padStart(idLength - 1, '0');
  const extra = ',x'.repeat(columns);
  const header = `userId,itemId${Array.from({ length: columns }, (_, c) => `,c${c}`).join('')}\n`;
  /** The rows of a market, in pieces: a user after the other, popular items more often. */
  function* rowsOf(m) {
    let state = m + 1;
    let text = header;
    for (let u = 0; u < users; u++) {
      const user = idOf('u', m * users + u);
      for (let h = 0; h < history; h++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        const item = Math.floor((state / 2 ** 32) ** 2 * items);
        // every market has items of its own and half of the next one's
        const line = `${user},${idOf('i', m * Math.ceil(items / 2) + item)}${extra}\n`;
        for (let r = 0; r < repeats; r++) text += line;
        if (text.length > 1 << 16) {
          yield text;
          text = '';
        }
      }
    }
    yield text;
  }
  // what the rows cost to make is not what they cost to read
  const makes = await measured(() => {
    let length = 0;
    for (let m = 0; m < markets; m++) for (const piece of rowsOf(m)) length += piece.length;
    return length;
  });
  const files = Array.from({ length: markets }, (_, m) => ({
    market: `m${String(m).padStart(5, '0')}`,
    split: 'train',
    name: `m${m}.csv`,
    source: rowsOf(m),
  }));
  const data = await step('read', () => readMarkets(files, {}));
  steps[0].seconds = Math.max(0, steps[0].seconds - makes);
  const model = await step('train', () => train(data, { threads: 1 }));
  const bytes = await step('write', () => encodeModel(model));
  const recommender = await step('open', () => loadModel(bytes));
  const market = data.markets[0];
  const ids = Array.from(market.items, (item) => data.items[item]);
  const query = { market: market.name, items: Array.from({ length: asked }, (_, i) => ids[i % ids.length]), k: 10 };
  await step('answer 100 times', () => {
    for (let i = 0; i < 100; i++) recommender.recommend(query);
  });
  process.send({ steps, fileBytes: bytes.length }, () => process.disconnect());
});

async function measured(work) {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/** The most physical memory so far. */
function residentBytes() {
  return 1024 * Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}
