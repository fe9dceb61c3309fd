// The page in Chromium: what it loads, how soon it answers, how it stays usable, and its training beside Node's.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { assembleGenerated, encodeModel, generateMarkets, train } from '../../dist/index.js';
import { install } from '../../test/hosts/install.mjs';
import { cachedModel } from '../harness/cached.mjs';
import { dataDirectory } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { median } from '../harness/timer.mjs';
import { trainOnce } from '../harness/training.mjs';

const VISITS = 5;
const CLICKS = 500;
const ROUNDS = 1;
const MAP_ITEMS = 10_000;
const MAP_STEPS = 400;
/** As many as this machine has; the page takes all. */
const THREADS = availableParallelism();
const APP = fileURLToPath(new URL('../../dist/app/', import.meta.url));

export async function app() {
  install();
  const { BROWSERS, until } = await import('../../test/app/browsers.mjs');
  const { startServer } = await import('../../test/app/server.mjs');
  const person = await import('../../test/app/page.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-app-bench-'));
  const server = await startServer();
  const browser = await BROWSERS.Chromium.start();
  const on = { browser, person, until, url: server.url, folder };
  const results = {};
  const blocks = [`Chromium ${browser.version}, headless, from \`m3rec app\` on the same machine.`];
  const add = (title, block, data) => {
    Object.assign(results, data);
    blocks.push(`## ${title}`, block);
    show(`${title}\n\n${block}`);
    save('app', 'The page', blocks, results);
  };
  try {
    show(`app: ${describe(machine())}`);
    add('What is loaded', ...(await sizes(on)));
    add('The first answer', ...(await firstAnswers(on)));
    add('A click, with the model of five markets', ...(await clicks(on)));
    add('The map', ...(await frames(on)));
    add('The main thread', ...(await gaps(on)));
    if (dataDirectory()) add('Training beside Node', ...(await training(on)));
  } finally {
    await browser.close();
    await server.close();
    rmSync(folder, { recursive: true });
  }
}

const gzip = (data) => gzipSync(data, { level: 9 }).length;
const kilobytes = (bytes) => (bytes / 1000).toFixed(1);
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
const milliseconds = (value) => value.toFixed(value < 10 ? 1 : 0);

/** Bytes that the page asks for until it answers, by what they are; and m3rec/browser alone. */
async function sizes({ browser, person }) {
  const { startStatic } = await import('../../test/app/server.mjs');
  const times = new Map();
  const asked = { add: (file) => times.has(file) || times.set(file, Date.now()) };
  // without its service worker, which asks for all files
  const server = await startStatic({ without: ['shell.js'], asked });
  const page = await browser.newPage();
  await person.visit(page, server.url, false);
  // what comes next is asked for at once
  const ready = await page.run(() => performance.timeOrigin + performance.getEntriesByName('m3rec-ready')[0].startTime);
  const first = new Set([...times.keys()].filter((file) => times.get(file) <= ready));
  await page.close();
  await server.close();
  const of = (file) =>
    file.endsWith('.wasm') ? 'kernels' : file.endsWith('.m3rec') ? 'the two sample models' : 'page and worker';
  const groups = new Map();
  for (const file of readdirSync(APP)) {
    const when = first.has(file) ? of(file) : 'loaded when it is first needed';
    const group = groups.get(when) ?? { files: 0, bytes: 0, gzipped: 0 };
    const content = readFileSync(join(APP, file));
    group.files++;
    group.bytes += content.length;
    group.gzipped += gzip(content);
    groups.set(when, group);
  }
  const { outputFiles } = await build({
    stdin: { contents: "export * from './browser.js';", resolveDir: join(APP, '..') },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    logLevel: 'error',
  });
  const own = outputFiles[0].contents;
  groups.set('`m3rec/browser` alone, for another page', { files: 1, bytes: own.length, gzipped: gzip(own) });
  const rows = [...groups].map(([name, { files, bytes, gzipped }]) => [
    name,
    files,
    kilobytes(bytes),
    kilobytes(gzipped),
  ]);
  return [table(['', 'files', 'kB', 'gzipped, kB'], rows), { sizes: Object.fromEntries(groups) }];
}

/** Milliseconds from the start of a visit, each in a profile of its own. */
async function firstAnswers({ browser, person, url }) {
  const visits = [];
  for (let visit = 0; visit < VISITS; visit++) {
    const page = await browser.newPage();
    await person.visit(page, url);
    visits.push(
      await page.run(() => {
        const mark = (name) => performance.getEntriesByName(name)[0].startTime;
        return {
          paint: mark('first-contentful-paint'),
          ready: mark('m3rec-ready'),
          sample: mark('m3rec-sample'),
        };
      }),
    );
    await page.close();
  }
  const rows = [
    ['first contentful paint', 'paint'],
    ['the sample model answers', 'ready'],
    ['the whole sample is generated', 'sample'],
  ].map(([name, key]) => [name, milliseconds(median(visits.map((each) => each[key])))]);
  return [`Median of ${VISITS} first visits.\n\n${table(['', 'ms'], rows)}`, { visits }];
}

/** From the click's handler to the second frame after the list has changed. */
async function clicks({ browser, person, until, url, folder }) {
  const { name, bytes } = await cachedModel({ model: 'transfer' });
  const file = join(folder, 'five.m3rec');
  writeFileSync(file, bytes);
  const page = await browser.newPage();
  await person.visit(page, url);
  await person.view(page, 'models');
  await person.waitFor(page, 'Open a .m3rec file');
  await page.setFiles('input[accept=".m3rec"]', [file]);
  await person.waitFor(page, 'Opened', '.toast');
  await person.view(page, 'recommend/basket');
  await person.waitFor(page, 'Best sellers');
  const pick = () => {
    const first = document.querySelector('.empty .pill');
    first?.click();
    return first !== null;
  };
  await until(() => page.run(pick), 'a best seller');
  await person.waitFor(page, 'mostly because of');
  const times = [];
  for (let done = 0; done < CLICKS; done += 100) {
    times.push(
      ...(await page.run(async () => {
        const found = [];
        const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
        for (let i = 0; i < 100; i++) {
          const list = document.querySelector('.answers ol');
          const pills = document.querySelectorAll('.pills .pill');
          const button = pills.length > 5 ? pills[0] : document.querySelectorAll('.answers .add')[i % 10];
          await frame();
          const start = performance.now();
          const changed = new Promise((resolve) => {
            new MutationObserver((_, observer) => {
              observer.disconnect();
              resolve();
            }).observe(list, { childList: true, subtree: true, characterData: true });
          });
          button.click();
          await changed;
          await frame();
          await frame();
          found.push(performance.now() - start);
        }
        return found;
      })),
    );
  }
  await page.close();
  times.sort((a, b) => a - b);
  const rows = [0.5, 0.9, 0.99].map((q) => [`p${100 * q}`, milliseconds(quantile(times, q))]);
  return [
    `${CLICKS} clicks that add an item or take one away, each until the second frame after the list of ten has changed (two frames are ` +
      `33 ms of this). Model \`transfer\` of ${name}.\n\n${table(['', 'ms'], rows)}`,
    { clicks: { p50: quantile(times, 0.5), p99: quantile(times, 0.99) } },
  ];
}

/** Frames while a map of many items is zoomed and moved, one step a frame. */
async function frames({ browser, person, until, url, folder }) {
  note(`training a model of ${MAP_ITEMS.toLocaleString('en-US')} items …`);
  const markets = [{ name: 'all', users: 1, items: 1, shared: 1 }];
  const data = assembleGenerated(
    generateMarkets({ seed: 1, markets, users: 2 * MAP_ITEMS, items: MAP_ITEMS, interactions: 20 * MAP_ITEMS }),
  );
  const file = join(folder, 'map.m3rec');
  writeFileSync(file, encodeModel(await train(data, {})));
  const page = await browser.newPage();
  await person.visit(page, url);
  await person.view(page, 'models');
  await person.waitFor(page, 'Open a .m3rec file');
  await page.setFiles('input[accept=".m3rec"]', [file]);
  await person.waitFor(page, 'Opened', '.toast', 120);
  await person.view(page, 'look/map');
  const isDrawn = () => document.querySelector('canvas') !== null && !document.querySelector('.map > [role=status]');
  await until(() => page.run(isDrawn), 'the map', 300);
  const times = await page.run(async (steps) => {
    const canvas = document.querySelector('canvas');
    const box = canvas.getBoundingClientRect();
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const middle = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
    const found = [];
    let last = await frame();
    for (let i = 0; i < steps; i++) {
      if (i % 4 === 3) canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true }));
      else {
        const deltaY = i % 40 < 20 ? -1 : 1;
        canvas.dispatchEvent(new WheelEvent('wheel', { ...middle, deltaY, bubbles: true, cancelable: true }));
      }
      const now = await frame();
      found.push(now - last);
      last = now;
    }
    return found;
  }, MAP_STEPS);
  await page.close();
  times.sort((a, b) => a - b);
  const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length;
  const rows = [
    ['mean', milliseconds(mean)],
    ...[0.5, 0.99].map((q) => [`p${100 * q}`, milliseconds(quantile(times, q))]),
  ];
  return [
    `${MAP_STEPS} steps of zooming and moving a map of ${data.items.length.toLocaleString('en-US')} items, one a frame, drawn without a ` +
      `graphics card: ms from frame to frame (60 a second are 16.7).\n\n${table(['', 'ms'], rows)}`,
    { map: { items: data.items.length, mean, p99: quantile(times, 0.99) } },
  ];
}

/** Tasks of more than 50 ms on the page while it trains, reads and scores, and on an idle page meanwhile. */
async function gaps({ browser, person, url }) {
  const watch = (page) =>
    page.run(() => {
      window.tasks = [];
      new PerformanceObserver((list) =>
        window.tasks.push(...list.getEntries().map(({ duration }) => duration)),
      ).observe({ type: 'longtask' });
    });
  const page = await browser.newPage();
  const idle = await browser.newPage();
  await person.visit(page, url);
  await idle.goto(`${url}icon.svg`);
  for (const each of [page, idle]) await watch(each);
  await person.train(page, 'm3rec', 240);
  const [training, beside] = await Promise.all([page, idle].map((each) => each.run(() => window.tasks)));
  await page.close();
  await idle.close();
  const row = (name, tasks) => [name, tasks.length, tasks.length === 0 ? '–' : milliseconds(Math.max(...tasks))];
  return [
    `Tasks of 50 ms or more (PerformanceObserver, \`longtask\`) while the sample's full model trains and is measured, and on an idle page ` +
      `beside it.\n\n${table(['', 'tasks', 'longest, ms'], [row('the page', training), row('an idle page', beside)])}`,
    { gaps: { training, beside } },
  ];
}

/** Preset default on the five real markets, in turns. */
async function training({ browser, person, url }) {
  const path = dataDirectory();
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => /train\.tsv$/.test(name));
  const sides = { Chromium: [], Node: [] };
  for (let round = 0; round < ROUNDS; round++) {
    note(`training: round ${round + 1} of ${ROUNDS}`);
    const { seconds } = await trainOnce({ path, options: { model: 'm3rec' }, threads: THREADS }, () => {});
    sides.Node.push(seconds);
    const page = await browser.newPage();
    await person.visit(page, url);
    await person.view(page, 'data');
    await person.waitFor(page, 'Choose a folder');
    await page.setFiles('.drop input[webkitdirectory]', [path]);
    await person.click(page, 'button', 'Read ');
    await person.waitFor(page, `${files.length} markets`, 'main', 120);
    await person.view(page, 'train');
    await person.click(page, 'radio', 'm3rec');
    await person.click(page, 'checkbox', 'Also train');
    await person.click(page, 'button', 'Train');
    await person.waitFor(page, 'Trained in', 'main', 560);
    sides.Chromium.push(await page.run(() => performance.getEntriesByName('m3rec-trained').at(-1).duration / 1000));
    await page.close();
  }
  const best = Object.fromEntries(Object.entries(sides).map(([side, all]) => [side, Math.min(...all)]));
  const rows = Object.entries(best).map(([side, seconds]) => [
    side,
    seconds.toFixed(1),
    (seconds / best.Node).toFixed(2),
  ]);
  return [
    `Preset \`default\`, ${THREADS} threads, in turns, best of ${ROUNDS}.\n\n${table(['', 's', 'beside Node'], rows)}`,
    { training: sides },
  ];
}
