// How long training holds a page's main thread: the longest tasks in Chromium (PerformanceObserver, `longtask`) while
// the library itself, without a worker, reads, trains and answers a batch there. For pages that do without a worker.
import { readdirSync } from 'node:fs';
import { install } from '../../test/hosts/install.mjs';
import { dataDirectory } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';

/** What a browser calls a long task, in ms. */
const LIMIT = 50;
const KINDS = [{}, { preset: 'softmax', epochs: 1, walks: 2 }, { model: 'ease' }];

export async function mainThread() {
  install();
  const { BROWSERS } = await import('../../test/app/browsers.mjs');
  const { startLibrary } = await import('../../test/app/server.mjs');
  const path = dataDirectory();
  const library = await startLibrary({}, path ? { data: path } : {});
  const browser = await BROWSERS.Chromium.start();
  const files = path
    ? readdirSync(path, { recursive: true, encoding: 'utf8' })
        .filter((name) => /(^|\/)[^/]+\/train\.(tsv|csv)$/.test(`/${name}`))
        .sort()
    : [];
  const rows = [];
  try {
    const idle = await measured(
      browser,
      library.url,
      () => new Promise((resolve) => setTimeout(() => resolve([]), 3000)),
    );
    rows.push(...idle.map((each) => ({ ...each, data: 'an idle page, 3 s' })));
    for (const [data, names] of [['the sample', []], ...(files.length > 0 ? [['the real markets', files]] : [])])
      for (const options of KINDS) {
        const about = JSON.stringify(options) === '{}' ? 'default' : JSON.stringify(options);
        note(`${data}, ${about} …`);
        const found = await measured(browser, library.url, work, names, options);
        rows.push(...found.map((each) => ({ ...each, data: `${data}, ${about}` })));
      }
  } finally {
    await browser.close();
    await library.close();
  }
  const blocks = [
    `Chromium ${browser.version}, headless, one thread. Tasks of ${LIMIT} ms or more on the main thread of a page on which the library works without a worker; an idle page shows what the machine itself adds. Slices: the gaps between turns of the event loop, by a message channel that runs all the time.`,
    table(
      [
        'data and model',
        'step',
        'seconds',
        `tasks over ${LIMIT} ms`,
        'longest, ms',
        'slices: p99, ms',
        'longest slice, ms',
      ],
      rows.map(({ data, step, seconds, tasks, p99, longest }) => [
        data,
        step,
        seconds.toFixed(1),
        tasks.length,
        tasks.length === 0 ? '–' : Math.max(...tasks).toFixed(0),
        p99.toFixed(1),
        longest.toFixed(0),
      ]),
      2,
    ),
  ];
  show(`main-thread: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('main-thread', 'Training on the main thread of a page', blocks, { rows });
}
export { mainThread as 'main-thread' };

async function measured(browser, url, steps, ...args) {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    return await page.run(
      async (source, given) => {
        let tasks = [];
        new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
          type: 'longtask',
        });
        const rows = [];
        const step = async (name, run) => {
          await new Promise((resolve) => setTimeout(resolve, 300));
          tasks = [];
          const gaps = [];
          const { port1, port2 } = new MessageChannel();
          let last = performance.now();
          port1.onmessage = () => {
            const now = performance.now();
            gaps.push(now - last);
            last = now;
            port2.postMessage(0);
          };
          port2.postMessage(0);
          const begun = performance.now();
          const result = await run();
          const seconds = (performance.now() - begun) / 1000;
          port1.close();
          // entries of the last task come after it
          await new Promise((resolve) => setTimeout(resolve, 300));
          gaps.sort((a, b) => a - b);
          const p99 = gaps[Math.min(gaps.length - 1, Math.floor(0.99 * gaps.length))] ?? 0;
          rows.push({ step: name, seconds, tasks, p99, longest: gaps.at(-1) ?? 0 });
          return result;
        };
        const run = new Function(`return ${source}`)();
        if (given.length === 0) await step('nothing', run);
        else await run(step, ...given);
        return rows;
      },
      String(steps),
      args,
    );
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
