// What the page must do, in every browser. A case gets a page of its own, and what it needs of the run.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { axe, until } from './browsers.mjs';
import * as person from './page.mjs';
import { startLibrary } from './server.mjs';

const VIEWS = [
  '',
  'recommend/basket',
  'recommend/markets',
  'data',
  'train',
  'look',
  'look/map',
  'look/spread',
  'models',
];
/** Widths of a phone and of a desk, and 320 px as WCAG asks for. */
const NARROW = [360, 320];

/** Whether the page is wider than the window. */
const sideways = (page) => page.run(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

async function saved(page) {
  await person.view(page, 'models');
  return until(
    () => page.run(() => document.querySelector('main h1')?.textContent === 'Models' && performance.now() > 0),
    'the Models view',
  ).then(() => page.run(() => [...document.querySelectorAll('.models strong')].map((each) => each.textContent)));
}

/** Saves the trained model; the name that it has got. */
async function saveAs(page, name) {
  await person.view(page, 'train');
  await person.fill(page, 'Save as', name);
  await person.click(page, 'button', 'Save');
  return until(
    async () => /Saved as ([\w-]+)\./.exec(await person.text(page, '.toast'))?.[1],
    'the name it is saved as',
  );
}

async function axeFinds(page) {
  await page.source(axe);
  return page.run(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
  });
}

export const CASES = [
  {
    name: 'first visit: both lists with reasons, nothing asked of another origin',
    async run({ page, url }) {
      await person.visit(page, url);
      const others = await person.answers(page);
      assert.equal(others.length, 10);
      // what is seen before a script runs is what the models answer
      const html = await (await fetch(url)).text();
      const opened = [...html.matchAll(/class="title">([^<]+)/g)].map(([, title]) => title.trim());
      assert.deepEqual(opened, [...(await person.answers(page, '.alone')), ...others]);
      assert.equal((await person.answers(page, '.alone')).length, 10);
      // the counts come with the sample's rows, after the answers
      const counted = /with .*: (never|once|\d+ times) here, (never|once|\d+ times) elsewhere/;
      await until(async () => counted.test(await person.text(page)), 'reasons with counts');
      const shown = await person.text(page);
      assert.match(shown, /\d of 10 are new/);
      assert.match(shown, /\d → [\d.]+ % of hidden purchases are found in the first ten/);
      const asked = [
        ...page.requests,
        ...(await page.run(() => performance.getEntriesByType('resource').map(({ name }) => name))),
      ];
      const foreign = asked.filter((each) => !each.startsWith(url) && !/^(blob|data):/.test(each));
      assert.deepEqual(foreign, []);
      assert.ok(asked.length > 1);
      assert.deepEqual(page.problems, []);
    },
  },
  {
    name: 'answers follow each click; filters; two markets; a known customer',
    async run({ page, url }) {
      await person.visit(page, url);
      const before = await person.answers(page);
      await person.click(page, 'button', '+ ');
      await until(async () => (await person.answers(page)).join() !== before.join(), 'another list');
      await person.click(page, 'summary', 'Filters');
      await person.choose(page, 'Category', 'Coffee');
      await until(async () => {
        const titles = await person.answers(page);
        return (
          titles.length > 0 &&
          titles.every((title) => /grinder|dripper|papers|kettle|scale|carafe|cup|canister/.test(title))
        );
      }, 'coffee only');
      await until(() => page.run(() => document.querySelector('.basket select').options.length === 5), 'five markets');
      await person.choose(page, 'Market', 'us');
      await until(async () => (await person.text(page, '.others h2')).includes('United States'), 'the United States');
      await person.choose(page, 'Known customer', 'us-1000');
      await until(async () => (await person.answers(page)).length > 0, 'answers for a customer');
      await person.click(page, 'tab', 'Two markets');
      await until(() => page.run(() => document.querySelectorAll('.answers').length === 2), 'two lists');
    },
  },
  {
    name: 'an address names a market and a basket, and does not keep them',
    async run({ page, url }) {
      await person.visit(page, url);
      const items = await page.run(() => new URLSearchParams(location.hash.split('?')[1]).getAll('n').length);
      assert.equal(items, 0);
      await person.visit(page, `${url}?again#/recommend/basket?m=us&n=KF1908&n=KF2462`);
      await until(
        () => page.run(() => document.querySelector('.basket select').value === 'us'),
        'the market of the address',
      );
      await until(
        () => page.run(() => document.querySelectorAll('.pills .pill').length === 2),
        'the basket of the address',
      );
      assert.equal(await page.run(() => location.hash), '#/recommend/basket');
    },
  },
  {
    name: 'what the other markets give one, by its customers, and who helps',
    // the same worker in all browsers, and a dozen trainings
    only: ['Chromium'],
    async run({ page, url }) {
      await person.visit(page, url);
      await person.click(page, 'button', 'Measure it');
      await person.waitFor(page, 'Who helps India', 'main', 180);
      await person.click(page, 'button', 'Table');
      const rows = await page.run(() =>
        [...document.querySelectorAll('.gain figure tbody tr')].map((row) => row.textContent),
      );
      assert.equal(rows.length, 3);
      assert.match(rows[0], /^24[\d.]+[+-][\d.]+ ± [\d.]+/);
    },
  },
  {
    name: 'a new build: said, never forced on an open page, taken when asked for',
    async run({ page, startSwitching }) {
      const server = await startSwitching();
      try {
        await person.visit(page, server.url);
        const isActive = async () => (await navigator.serviceWorker?.ready)?.active?.state === 'activated';
        await until(() => page.run(isActive), 'the service worker');
        await page.reload();
        await person.ready(page);
        await page.run(() => {
          window.isSamePage = true;
        });
        server.change();
        await page.run(async () => (await navigator.serviceWorker.ready).update());
        await person.waitFor(page, 'A new version is ready', '.toast');
        await person.train(page, 'popularity');
        assert.equal(await page.run(() => window.isSamePage), true);
        await person.click(page, 'button', 'Reload');
        const isAgain = () => page.run(() => window.isSamePage !== true && document.title !== '').catch(() => false);
        await until(isAgain, 'the page again');
        await person.ready(page);
        assert.equal(await page.run(() => document.documentElement.dataset.build), 'two');
      } finally {
        await server.close();
      }
    },
  },
  {
    name: 'data are kept for the next visit, unless that is not wanted',
    async run({ page, url, shop }) {
      const purchases = `${shop.rows.toLocaleString('en')} purchases`;
      await person.visit(page, url);
      await person.readFiles(page, [shop.forms.CSV]);
      await until(() => page.run(() => performance.getEntriesByName('m3rec-kept').length > 0), 'the data are kept');
      await page.reload();
      await person.ready(page);
      await person.view(page, 'data');
      await person.waitFor(page, purchases);
      await person.click(page, 'checkbox', 'Keep these data');
      await page.reload();
      await person.ready(page);
      await person.view(page, 'data');
      await person.waitFor(page, 'Kettle & Fern');
    },
  },
  {
    name: 'the network off after one visit: reload, recommend, train',
    async run({ page, startServer }) {
      const server = await startServer();
      await person.visit(page, server.url);
      const online = await person.answers(page);
      await until(
        () => page.run(async () => (await navigator.serviceWorker?.ready)?.active?.state === 'activated'),
        'the service worker',
      );
      await server.close();
      await page.reload();
      await person.ready(page);
      assert.deepEqual(await person.answers(page), online);
      await person.train(page, 'ease');
    },
  },
  {
    name: 'a static host below a path: isolated by the service worker, so on threads',
    async run({ page, staticUrl, hasThreads }) {
      await person.visit(page, staticUrl);
      await until(() => page.run(() => navigator.serviceWorker.controller !== null), 'the service worker');
      await page.reload();
      await person.ready(page);
      await until(
        () => page.run(() => document.querySelector('.settings .popover').textContent.includes('thread')),
        'the device',
      );
      const device = await page.run(() => document.querySelector('.settings .popover').textContent);
      if (hasThreads) assert.match(device, /[2-9]\d* threads|\d\d+ threads/);
      assert.match(device, /Works with the network off\./);
    },
  },
  {
    name: 'every kind of file, and what is none',
    async run({ page, url, shop }) {
      await person.visit(page, url);
      const read = async () => {
        await person.click(page, 'button', 'Read ');
        const purchases = shop.rows.toLocaleString('en');
        await until(async () => (await person.text(page)).includes(`${purchases} purchases`), `${purchases} purchases`);
      };
      for (const path of Object.values(shop.forms)) {
        await person.giveFiles(page, [path]);
        await read();
        await person.view(page, 'recommend');
      }
      await person.giveFiles(page, shop.byMarket);
      await read();
      await person.view(page, 'recommend');
      await person.giveFiles(page, [shop.picture, shop.forms.CSV]);
      await person.waitFor(page, 'photo.jpg was left out');
      await read();
    },
  },
  {
    name: 'columns that were not recognised are said, and chosen',
    async run({ page, url, shop }) {
      await person.visit(page, url);
      await person.giveFiles(page, [shop.renamed]);
      await person.waitFor(page, 'No column for Customer was found');
      await person.choose(page, 'Customer', 'wer');
      await person.choose(page, 'Item', 'was');
      await person.choose(page, 'Market', 'land');
      await until(async () => !(await person.text(page)).includes('No column for'), 'all columns');
      await person.click(page, 'button', 'Read ');
      await person.waitFor(page, `${shop.rows.toLocaleString('en')} purchases`);
    },
  },
  {
    name: 'a malformed row is named by its line, then left out',
    async run({ page, url, shop }) {
      await person.visit(page, url);
      await person.giveFiles(page, [shop.broken]);
      await person.click(page, 'button', 'Read ');
      await person.waitFor(page, 'broken.csv:2: a quote that is opened here is not closed', '.problem');
      await person.click(page, 'button', 'Leave rows like this out');
      await person.waitFor(page, `${shop.rows.toLocaleString('en')} purchases`);
      await person.waitFor(page, '1 warning');
    },
  },
  {
    name: 'trained here and in Node: the same bytes; saved, reopened, renamed, deleted',
    async run({ page, url, shop }) {
      await person.visit(page, url);
      await person.readFiles(page, [shop.forms.CSV]);
      await person.view(page, 'train');
      await person.click(page, 'checkbox', 'Hold back one purchase');
      await person.train(page, 'ease');
      await saveAs(page, 'shop');
      await saveAs(page, 'shop');
      assert.deepEqual(await until(async () => (await saved(page)).length === 2 && saved(page), 'two models'), [
        'shop',
        'shop-2',
      ]);
      await person.catchDownloads(page);
      await person.click(page, 'button', 'Download');
      const { name, bytes } = await person.caught(page);
      assert.equal(name, 'shop.m3rec');
      assert.deepEqual(bytes, readFileSync(shop.model));
      await page.reload();
      await person.ready(page);
      await person.view(page, 'models');
      await person.click(page, 'button', 'Open');
      await person.waitFor(page, 'Opened shop', '.toast');
      await person.view(page, 'recommend/basket');
      const market = shop.markets[0];
      await until(() => page.run(() => document.querySelector('.empty .pill') !== null), 'best sellers');
      const first = await page.run(() => document.querySelector('.basket select').value);
      const item = await page.run(() => document.querySelector('.empty .pill').textContent.trim());
      await person.click(page, 'button', item);
      await until(async () => (await person.answers(page, '.answers')).length === 10, 'ten answers');
      const expected = shop.recommender
        .recommend({ market: first, items: [item], k: 10 })
        .items.map((each) => each.item);
      assert.deepEqual(await person.answers(page, '.answers'), expected);
      assert.ok(shop.markets.includes(market));
      await person.view(page, 'models');
      await person.click(page, 'button', 'Rename');
      await person.fill(page, 'Rename', 'renamed');
      await page.run(() => document.querySelector('.models input[type=text]').dispatchEvent(new FocusEvent('blur')));
      await until(async () => (await saved(page)).join() === 'renamed,shop-2', 'the new name');
      await person.click(page, 'button', 'Delete');
      await person.waitFor(page, 'cannot be undone', 'dialog');
      await page.run(() => document.querySelector('dialog button').click());
      await until(async () => (await saved(page)).join() === 'shop-2', 'one model');
    },
  },
  {
    name: 'a model file of Node; damaged, wrong and missing files are refused in words',
    async run({ page, url, shop }) {
      await person.visit(page, url);
      await person.view(page, 'models');
      const input = 'input[accept=".m3rec"]';
      await until(() => page.run((s) => document.querySelector(s) !== null, input), 'the input');
      for (const [path, words] of [
        [shop.damaged, 'damaged.m3rec: '],
        [shop.notModel, 'not.m3rec: '],
      ]) {
        await page.setFiles(input, [path]);
        await person.waitFor(page, words, '.problem');
      }
      await page.setFiles(input, [shop.model]);
      await person.waitFor(page, 'Opened node.m3rec', '.toast');
      assert.ok(await page.run(() => document.querySelector('main .problem') === null));
    },
  },
  {
    name: 'cancelled, usable at once, trained again; two models compared on the same rows',
    async run({ page, url }) {
      await person.visit(page, url);
      await person.view(page, 'train');
      await person.click(page, 'radio', 'm3rec');
      await person.click(page, 'button', 'Train');
      await until(() => page.run(() => document.querySelector('.stages progress') !== null), 'a stage');
      await person.click(page, 'button', 'Cancel');
      await person.waitFor(page, 'Stopped. Your data are still here.');
      await person.train(page, 'ease');
      await saveAs(page, 'a');
      await person.train(page, 'popularity');
      await saveAs(page, 'b');
      await until(async () => (await saved(page)).length === 2, 'two models');
      await person.click(page, 'checkbox', 'a');
      await person.click(page, 'checkbox', 'b');
      await person.click(page, 'button', 'Compare');
      await person.waitFor(page, 'b beside a');
      await person.click(page, 'button', 'Table');
      const rows = await page.run(() =>
        [...document.querySelectorAll('main figure tbody tr')].map((row) => row.textContent),
      );
      assert.equal(rows.length, 5);
    },
  },
  {
    name: 'a worker that ends while it reads, trains, measures, saves or writes: said, and nothing saved is lost',
    only: ['Chromium', 'Firefox'],
    async run({ page, url, shop }) {
      await person.watchWorker(page);
      await person.visit(page, url);
      await person.train(page, 'popularity');
      await saveAs(page, 'kept');
      const end = () => page.run(() => window.endWorker());
      const isStage = (words) =>
        until(async () => (await person.text(page, '.stages')).includes(words), `the stage “${words}”`, 180);
      const train = async () => {
        await person.view(page, 'train');
        await person.click(page, 'radio', 'm3rec');
        await person.click(page, 'button', 'Train');
      };
      const stages = {
        async reading() {
          await person.giveFiles(page, [shop.forms.CSV]);
          await person.click(page, 'button', 'Read ');
          await end();
        },
        async training() {
          await train();
          await isStage('walks');
          await end();
        },
        async measuring() {
          await train();
          await isStage('Measuring');
          await end();
        },
        async saving() {
          await person.train(page, 'popularity');
          await person.fill(page, 'Save as', 'not-kept');
          await person.click(page, 'button', 'Save');
          await end();
        },
        async writing() {
          await person.train(page, 'popularity');
          await person.view(page, 'models');
          await person.catchDownloads(page);
          await person.click(page, 'button', 'Choose where to write');
          await end();
        },
      };
      for (const [stage, upTo] of Object.entries(stages)) {
        await upTo();
        await until(
          async () => (await person.text(page, '.problem[role=alert]')).includes('The worker ended.'),
          `the end is said while ${stage}`,
        );
        await person.click(page, 'button', 'Start again');
        await until(
          () => page.run(() => document.querySelector('.problem[role=alert]') === null),
          `another worker after ${stage}`,
        );
        const names = await until(async () => (await saved(page)).length > 0 && saved(page), 'the models');
        // what was being written may be whole, never half
        assert.deepEqual(
          names.filter((name) => name !== 'not-kept'),
          ['kept'],
          stage,
        );
      }
      await person.click(page, 'button', 'Open');
      await person.waitFor(page, 'Opened kept', '.toast');
      await person.train(page, 'ease');
    },
  },
  {
    name: 'a tab that is loaded again while it trains: said, and the data are still there',
    only: ['Chromium', 'Firefox'],
    async run({ page, url, shop }) {
      await person.visit(page, url);
      await person.readFiles(page, [shop.forms.CSV]);
      await until(() => page.run(() => performance.getEntriesByName('m3rec-kept').length > 0), 'the data are kept');
      await person.view(page, 'train');
      await person.click(page, 'radio', 'm3rec');
      await person.click(page, 'button', 'Train');
      await until(() => page.run(() => document.querySelector('.stages progress') !== null), 'a stage');
      await page.reload();
      await person.waitFor(page, 'The training was lost', '.toast');
      await person.view(page, 'data');
      await person.waitFor(page, `${shop.rows.toLocaleString('en')} purchases`);
    },
  },
  {
    name: 'dropped on any view: a folder, whose files name the markets; a model, sound or damaged',
    only: ['Chromium'],
    async run({ page, url, shop }) {
      await person.visit(page, url);
      const session = await page.raw.createCDPSession();
      const drop = async (path) => {
        const data = { items: [], files: [path], dragOperationsMask: 1 };
        for (const type of ['dragEnter', 'dragOver', 'drop'])
          await session.send('Input.dispatchDragEvent', { type, x: 600, y: 400, data });
      };
      await drop(dirname(shop.byMarket[0]));
      await person.click(page, 'button', 'Read ');
      await person.waitFor(page, `${shop.rows.toLocaleString('en')} purchases`);
      const rows = () => page.run(() => document.querySelectorAll('main table tbody th .market').length);
      await until(async () => (await rows()) === shop.markets.length, 'a market for each file');
      await drop(shop.damaged);
      await person.waitFor(page, 'damaged.m3rec: ', '.toast');
      await drop(shop.model);
      await until(() => page.run(() => location.hash === '#/recommend/basket'), 'the model answers');
    },
  },
  {
    name: 'in forced colours: axe finds nothing, what is chosen and focused can be told',
    only: ['Chromium'],
    async run({ page, url }) {
      await person.visit(page, url);
      const session = await page.raw.createCDPSession();
      await session.send('Emulation.setEmulatedMedia', { features: [{ name: 'forced-colors', value: 'active' }] });
      const found = [];
      for (const name of VIEWS) {
        await person.view(page, name);
        await new Promise((resolve) => setTimeout(resolve, 300));
        for (const each of await axeFinds(page)) found.push(`${name}: ${each}`);
        // the view that is open, and each chosen tab, differ by more than a colour of the page's own
        const alike = await page.run(() => {
          const look = (element) => {
            const { borderBottom, outline, fontWeight, textDecorationLine, backgroundColor } =
              getComputedStyle(element);
            return [borderBottom, outline, fontWeight, textDecorationLine, backgroundColor].join();
          };
          return [...document.querySelectorAll('[aria-current=page], [role=tab][aria-selected=true]')]
            .filter((chosen) => {
              const other = [...chosen.parentElement.children].find(
                (each) => each !== chosen && each.tagName === chosen.tagName,
              );
              return other && look(other) === look(chosen);
            })
            .map((each) => each.textContent);
        });
        found.push(...alike.map((each) => `${name}: “${each}” looks like those that are not chosen`));
      }
      await page.run(() => document.querySelector('header a').focus());
      await page.keys('Tab');
      const outline = await page.run(() => getComputedStyle(document.activeElement).outlineStyle);
      if (outline === 'none') found.push('what is focused has no outline');
      assert.deepEqual(found, []);
    },
  },
  {
    name: 'all customers of a market to CSV and JSON lines',
    async run({ page, url }) {
      await person.visit(page, url);
      await person.train(page, 'ease');
      await person.view(page, 'models');
      await person.catchDownloads(page);
      await person.choose(page, 'Market', 'in');
      await person.click(page, 'button', 'Choose where to write');
      const csv = await person.caught(page);
      assert.equal(csv.name, 'in-10.csv');
      const lines = csv.bytes.toString().trim().split('\n');
      assert.equal(lines[0], 'user,rank,item,score');
      assert.equal(lines.length, 1 + 240 * 10);
      await person.choose(page, 'Format', 'jsonl');
      await person.click(page, 'button', 'Choose where to write');
      const json = await person.caught(page);
      assert.equal(JSON.parse(json.bytes.toString().split('\n')[0]).items.length, 10);
      await person.waitFor(page, 'Wrote 240 lines');
    },
  },
  {
    name: 'two tabs: neither loses the other’s models',
    async run({ page, url, browser }) {
      const other = await browser.newPage(page);
      try {
        for (const [each, kind] of [
          [page, 'ease'],
          [other, 'popularity'],
        ]) {
          await person.visit(each, url);
          await person.train(each, kind);
        }
        const [, theirs] = await Promise.all([saveAs(page, 'same'), saveAs(other, 'same')]);
        for (const each of [page, other])
          await until(async () => (await saved(each)).join() === 'same,same-2', 'both models');
        if (!(await page.run(() => navigator.locks !== undefined))) return;
        await page.run((which) => {
          const cards = [...document.querySelectorAll('.models li')];
          const card = cards.find((each) => each.querySelector('strong').textContent === which);
          [...card.querySelectorAll('button')].find((each) => each.textContent.startsWith('Delete')).click();
        }, theirs);
        await person.waitFor(page, 'cannot be undone', 'dialog');
        await page.run(() => document.querySelector('dialog button').click());
        await person.waitFor(page, 'open in another tab', '.toast');
        assert.equal((await saved(other)).length, 2);
      } finally {
        await other.close();
      }
    },
  },
  {
    name: 'the store is full: said with what to do, and nothing saved is lost',
    only: ['Chromium'],
    async run({ page, url }) {
      await person.visit(page, url);
      await person.train(page, 'popularity');
      await saveAs(page, 'kept');
      const session = await page.raw.createCDPSession();
      const quota = (bytes) =>
        session.send('Storage.overrideQuotaForOrigin', { origin: new URL(url).origin, quotaSize: bytes });
      await quota(1_200_000);
      await person.train(page, 'ease');
      await person.fill(page, 'Save as', 'large');
      await person.click(page, 'button', 'Save');
      await until(
        async () => /store is full.*delete a model, or download/is.test(await person.text(page, 'body')),
        'the store is full',
      );
      await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(url).origin });
      assert.deepEqual(await until(async () => (await saved(page)).length > 0 && saved(page), 'the models'), ['kept']);
    },
  },
  {
    name: 'pictures are asked for only where a person wants them',
    async run({ page, url, shop, startPictures }) {
      const server = await startPictures();
      try {
        await person.visit(page, url);
        await person.readFiles(page, [shop.forms.CSV, shop.pictures(server.url)]);
        await until(() => page.run(() => performance.getEntriesByName('m3rec-kept').length > 0), 'the data are kept');
        await person.waitFor(page, 'have addresses of pictures');
        await person.train(page, 'popularity');
        await person.view(page, 'recommend/basket');
        await until(() => page.run(() => document.querySelector('.empty .pill') !== null), 'best sellers');
        await person.click(page, 'button', 'Picture of');
        await until(async () => (await person.answers(page, '.answers')).length === 10, 'ten answers');
        assert.equal(server.asked.length, 0);
        await person.visit(page, `${url}pictures.html`);
        await person.train(page, 'popularity');
        await person.view(page, 'recommend/basket');
        await person.click(page, 'button', 'Picture of');
        await until(() => server.asked.length > 0, 'a picture');
        assert.ok(server.asked.every(({ referer }) => referer === undefined));
      } finally {
        await server.close();
      }
    },
  },
  {
    name: 'a policy that forbids WebAssembly, no isolation, a newer model: each message names the remedy',
    async run({ page, shop }) {
      /** What training a little with the library says on a page with these headers. */
      const trained = async (headers) => {
        const library = await startLibrary(headers);
        try {
          await page.goto(library.url);
          return await page.run(async () => {
            const { assembleGenerated, generateMarkets, train } = await import('/index.js');
            const { webWorkers } = await import('/workers.js');
            const markets = assembleGenerated(generateMarkets({ users: 60, items: 200, interactions: 400 }));
            let threads;
            try {
              const options = { model: 'ease', workers: webWorkers(), threads: 2 };
              await train(markets, { ...options, onThreads: (found) => (threads = found) });
              return { threads };
            } catch (error) {
              return { name: error.name, message: error.message };
            }
          });
        } finally {
          await library.close();
        }
      };
      const forbidding = "script-src 'self' 'unsafe-inline' 'unsafe-hashes'";
      const forbidden = await trained({ 'content-security-policy': forbidding });
      assert.match(
        forbidden.message ?? '',
        /the Content Security Policy of this page forbids WebAssembly; add 'wasm-unsafe-eval' to its script-src/,
        JSON.stringify(forbidden),
      );
      const alone = await trained({ 'content-security-policy': `${forbidding} 'wasm-unsafe-eval'` });
      assert.equal(alone.threads?.threads, 1, JSON.stringify(alone));
      assert.match(alone.threads.reason, /not cross-origin isolated.*Cross-Origin-Opener-Policy/);
      const isolating = {
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
      };
      const isolated = await trained(isolating);
      assert.ok(isolated.threads, JSON.stringify(isolated));
      const library = await startLibrary();
      try {
        await page.goto(library.url);
        const newer = readFileSync(shop.model);
        newer.writeUInt32LE(99, 8);
        const said = await page.run(
          async (bytes) => {
            const { loadModel } = await import('/index.js');
            return loadModel(Uint8Array.from(bytes)).then(String, String);
          },
          [...newer.subarray(0, 4096)],
        );
        assert.match(said, /version 99, which is newer than this library/);
      } finally {
        await library.close();
      }
    },
  },
  {
    name: 'titles that are code stay text',
    async run({ page, url, shop }) {
      await person.visit(page, url);
      await person.readFiles(page, [shop.forms.CSV, shop.titles]);
      await person.train(page, 'popularity');
      await person.view(page, 'recommend/basket');
      await until(async () => (await person.text(page)).includes('<img src=x onerror='), 'the title as text');
      assert.equal(await page.run(() => document.querySelectorAll('main img').length), 0);
      assert.equal(await sideways(page), false);
    },
  },
  {
    name: 'by keyboard alone: add an item, look inside, train, save',
    // Firefox's driver gives the button its keys here, and no click follows; by itself the same button takes them
    only: ['Chromium', 'WebKitGTK'],
    async run({ page, url }) {
      await person.visit(page, url);
      /** Tabs on until what is focused has this name. */
      const reach = async (name) => {
        for (let left = 80; left > 0; left--) {
          const at = await page.run(() => {
            const e = document.activeElement;
            return (e?.getAttribute('aria-label') ?? e?.labels?.[0]?.textContent ?? e?.textContent ?? '').trim();
          });
          if (at.startsWith(name)) return;
          await page.keys('Tab');
        }
        throw new Error(`Tab does not lead to “${name}”`);
      };
      const before = await person.answers(page);
      await reach('Add item');
      await page.type('tent');
      await until(() => page.run(() => document.querySelectorAll('[role=option]').length > 3), 'tents');
      await page.keys('ArrowDown', 'Enter');
      await until(async () => (await person.answers(page)).join() !== before.join(), 'another list');
      await reach('Look inside');
      await page.keys('Enter');
      await person.waitFor(page, 'What goes with');
      assert.equal(await page.run(() => document.activeElement?.tagName), 'H1');
      await reach('Neighbours');
      await page.keys('ArrowRight');
      await until(() => page.run(() => location.hash.startsWith('#/look/map')), 'the map');
      await reach('Map.');
      await page.keys('+', 'ArrowLeft', 'Enter');
      await person.waitFor(page, 'Picked: ');
      await reach('m3rec');
      await reach('Train');
      await page.keys('Enter');
      await person.waitFor(page, 'All options');
      for (let left = 20; left > 0 && !(await page.run(() => document.activeElement.type === 'radio')); left--)
        await page.keys('Tab');
      for (let left = 10; left > 0; left--) {
        const kind = await page.run(() => document.activeElement.labels?.[0]?.textContent ?? '');
        if (kind.startsWith('popularity')) break;
        await page.keys('ArrowDown');
      }
      const onButton = (words) =>
        page.run((w) => document.activeElement.tagName === 'BUTTON' && document.activeElement.textContent === w, words);
      for (let left = 20; left > 0 && !(await onButton('Train')); left--) await page.keys('Tab');
      assert.ok(await onButton('Train'));
      await page.keys('Enter');
      await person.waitFor(page, 'Trained in');
      await reach('Save as');
      for (let left = 20; left > 0 && !(await onButton('Save')); left--) await page.keys('Tab');
      await page.keys('Enter');
      await person.waitFor(page, 'Saved as shop', '.toast');
    },
  },
  {
    name: 'axe finds nothing, in every view, light and dark',
    async run({ page, url }) {
      await person.visit(page, url);
      const found = [];
      for (const theme of ['light', 'dark']) {
        await page.run((to) => {
          document.documentElement.dataset.theme = to;
        }, theme);
        for (const name of VIEWS) {
          await person.view(page, name);
          await new Promise((resolve) => setTimeout(resolve, 300));
          for (const each of await axeFinds(page)) found.push(`${name} (${theme}): ${each}`);
        }
      }
      await person.train(page, 'ease');
      for (const name of ['train', 'models']) {
        await person.view(page, name);
        await new Promise((resolve) => setTimeout(resolve, 300));
        for (const each of await axeFinds(page)) found.push(`${name}, after training: ${each}`);
      }
      assert.deepEqual(found, []);
    },
  },
  {
    name: 'no view is wider than a phone, in English and German, at 200 % text',
    async run({ page, url }) {
      await person.visit(page, url);
      const wide = [];
      for (const language of ['en', 'de']) {
        await page.run((to) => {
          const select = [...document.querySelectorAll('.settings select')][1];
          select.value = to;
          select.dispatchEvent(new Event('change', { bubbles: true }));
        }, language);
        assert.equal(await page.run(() => document.documentElement.lang), language);
        for (const width of NARROW) {
          await page.resize(width, 800);
          for (const name of VIEWS) {
            await person.view(page, name);
            await new Promise((resolve) => setTimeout(resolve, 100));
            if (await sideways(page)) wide.push(`${name} ${width} ${language}`);
          }
        }
        await page.resize(1280, 800);
        await page.run(() => {
          document.documentElement.style.fontSize = '200%';
        });
        for (const name of VIEWS) {
          await person.view(page, name);
          await new Promise((resolve) => setTimeout(resolve, 100));
          if (await sideways(page)) wide.push(`${name} 200 % ${language}`);
        }
        await page.run(() => {
          document.documentElement.style.fontSize = '';
        });
      }
      assert.deepEqual(wide, []);
    },
  },
];
