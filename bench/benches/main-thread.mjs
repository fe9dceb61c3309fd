// How long training holds a page's main thread: the longest tasks in Chromium while the library itself, without a
// worker, reads, trains and answers a batch there. For pages that do without a worker.
import { readdirSync } from 'node:fs';
import { install } from '../../test/hosts/install.mjs';
import { dataDirectory } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';

/** What browsers call a long task (PerformanceObserver, `longtask`), in ms. */
const LIMIT = 50;
/** Most seconds of one training. */
const LONGEST_S = 900;
const KINDS = [{}, { preset: 'softmax', epochs: 1, walks: 2 }, { model: 'ease' }];

export async function mainThread() {
  install();
  const { BROWSERS, until } = await import('../../test/app/browsers.mjs');
  const { startLibrary } = await import('../../test/app/server.mjs');
  const path = dataDirectory();
  const library = await startLibrary({}, path ? { data: path } : {});
  const browser = await BROWSERS.Chromium.start();
  const files = path
    ? readdirSync(path, { recursive: true, encoding: 'utf8' })
        .filter((name) => /(^|\/)[^/]+\/train\.(tsv|csv)$/.test(`/${name}`))
        .sort()
    : [];
  const on = { browser, until, url: library.url };
  const rows = [];
  try {
    const idle = await measured(on, () => new Promise((resolve) => setTimeout(() => resolve([]), 3000)));
    rows.push(...idle.map((each) => ({ ...each, data: 'an idle page, 3 s' })));
    for (const [data, names] of [['the sample', []], ...(files.length > 0 ? [['the real markets', files]] : [])])
      for (const options of names.length > 0 ? KINDS.slice(0, 1) : KINDS) {
        const about = JSON.stringify(options) === '{}' ? 'default' : JSON.stringify(options);
        note(`${data}, ${about} …`);
        const found = await measured(on, work, names, options);
        rows.push(...found.map((each) => ({ ...each, data: `${data}, ${about}` })));
      }
  } finally {
    await browser.close();
    await library.close();
  }
  const over = (list) => list.filter((ms) => ms > LIMIT).length;
  const blocks = [
    `Chromium ${browser.version}, headless, one thread: the library without a worker, on the main thread of an empty page. Tasks of that thread by Chromium's trace, by wall clock and by the thread's own processor time; the latter does not depend on what else the machine does. A task over ${LIMIT} ms is long.`,
    table(
      [
        'data and model',
        'step',
        'seconds',
        'tasks',
        `over ${LIMIT} ms by the clock`,
        'longest, ms',
        `over ${LIMIT} ms of processor time`,
        'longest, processor ms',
      ],
      rows.map(({ data, step, seconds, wall, processor }) => [
        data,
        step,
        seconds.toFixed(1),
        wall.length,
        over(wall),
        (wall[0] ?? 0).toFixed(0),
        over(processor),
        (processor[0] ?? 0).toFixed(1),
      ]),
      2,
    ),
  ];
  show(`main-thread: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('main-thread', 'Training on the main thread of a page', blocks, {
    rows: rows.map(({ wall, processor, ...row }) => ({
      ...row,
      longest: wall.slice(0, 5),
      processor: processor.slice(0, 5),
    })),
  });
}
export { mainThread as 'main-thread' };

/**
 * Runs the steps in a page, under Chromium's own trace: of each, how long it took, and the tasks of its main thread by
 * wall clock and by the thread's own processor time, in ms.
 */
async function measured({ browser, until, url }, steps, ...args) {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    await page.raw.tracing.start({ categories: ['toplevel', 'blink.user_timing'] });
    await page.run(
      (source, given) => {
        const rows = [];
        const step = async (name, run) => {
          await new Promise((resolve) => setTimeout(resolve, 200));
          performance.mark(`m3rec:${name}`);
          const begun = performance.now();
          const result = await run();
          rows.push([name, (performance.now() - begun) / 1000]);
          performance.mark('m3rec:');
          await new Promise((resolve) => setTimeout(resolve, 200));
          return result;
        };
        const run = new Function(`return ${source}`)();
        const done = given.length === 0 ? step('nothing', run) : run(step, ...given);
        done.then(
          () => Object.assign(window, { ended: { rows } }),
          (error) => Object.assign(window, { ended: { error: String(error) } }),
        );
      },
      String(steps),
      args,
    );
    // asked again and again: one answer of a browser may take a minute at most
    const { rows: seconds, error } = await until(() => page.run(() => window.ended), 'the steps', LONGEST_S);
    if (error) throw new Error(error);
    const { traceEvents: events } = JSON.parse(Buffer.from(await page.raw.tracing.stop()).toString());
    const marks = events.filter(({ cat, name }) => cat.includes('blink.user_timing') && name.startsWith('m3rec:'));
    const [{ pid, tid }] = marks;
    const tasks = events.filter(
      (event) => event.pid === pid && event.tid === tid && event.ph === 'X' && event.name.endsWith('RunTask'),
    );
    return seconds.map(([step, took]) => {
      const from = marks.findIndex(({ name }) => name === `m3rec:${step}`);
      const [begin, end] = [marks[from].ts, marks[from + 1].ts];
      const own = tasks.filter(({ ts, dur }) => ts + dur > begin && ts < end);
      const sorted = (field) => own.map((event) => (event[field] ?? 0) / 1000).sort((a, b) => b - a);
      return { step, seconds: took, wall: sorted('dur'), processor: sorted('tdur') };
    });
  } finally {
    await page.close();
  }
}

/** Runs in the page. */
async function work(step, files, options) {
  const m3rec = await import('/index.js');
  const data =
    files.length === 0
      ? m3rec.assembleGenerated(m3rec.generateMarkets({ seed: 1, users: 2000, items: 600, interactions: 20_000 }))
      : await step('read', async () =>
          m3rec.readMarkets(
            await Promise.all(
              files.map(async (name) => ({
                market: name.split('/').at(-2),
                split: 'train',
                name,
                source: (await fetch(`/data/${name}`)).body,
              })),
            ),
          ),
        );
  const model = await step('train', () => m3rec.train(data, options));
  const bytes = await step('encode', () => m3rec.encodeModel(model));
  const recommender = await step('load', () => m3rec.loadModel(bytes));
  const [{ name, users }] = data.markets;
  await step('recommendAll, 1,000 users', () =>
    recommender.recommendAll(Array.from({ length: 1000 }, (_, i) => ({ market: name, user: users[i % users.length] }))),
  );
}
