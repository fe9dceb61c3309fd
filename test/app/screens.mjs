// node test/app/screens.mjs FOLDER: every view of the page in Chromium at the width of a desk and of a phone, light and dark, as
// pictures to look at; --guide instead writes the four of the guide.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { install } from '../hosts/install.mjs';

const GUIDE = fileURLToPath(new URL('../../docs/guide/images/', import.meta.url));
const WIDTHS = { desk: 1280, phone: 360 };
const SETTLED_MS = 1200;
/** Before anything was trained, and after. */
const FIRST = [['start', '']];
const VIEWS = [
  ['basket', 'recommend/basket'],
  ['markets', 'recommend/markets'],
  ['data', 'data'],
  ['train', 'train'],
  ['neighbours', 'look'],
  ['map', 'look/map'],
  ['spread', 'look/spread'],
  ['models', 'models'],
];
/** Of the guide: the file, its view, and the height of the window. */
const IN_GUIDE = [
  ['app-start', '', 800],
  ['app-data', 'data', 900],
  ['app-train', 'train', 900],
  ['app-map', 'look/map', 800],
];

const folder = process.argv[2];
if (!folder) {
  process.stderr.write('node test/app/screens.mjs FOLDER, or --guide\n');
  process.exit(2);
}
install();
const { BROWSERS } = await import('./browsers.mjs');
const { startServer } = await import('./server.mjs');
const person = await import('./page.mjs');
const server = await startServer();
const browser = await BROWSERS.Chromium.start();
try {
  const page = await browser.newPage();
  await person.visit(page, server.url);
  await person.click(page, 'button', 'Measure it');
  await person.waitFor(page, 'Who helps');
  const theme = (name) =>
    page.run((to) => {
      document.documentElement.dataset.theme = to;
    }, name);
  const settled = async () => {
    await page.run(() => scrollTo(0, 0));
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  };
  const shoot = async (views) => {
    if (folder === '--guide') {
      await theme('light');
      for (const [name, view, height] of IN_GUIDE.filter(([, view]) => views.some((each) => each[1] === view))) {
        await page.resize(WIDTHS.desk, height);
        await person.view(page, view);
        await settled();
        // of the view Train the guide shows what comes out
        if (name === 'app-train')
          await page.run(() => document.querySelector('main figure').scrollIntoView({ block: 'end' }));
        await page.shot(join(GUIDE, `${name}.png`));
      }
      return;
    }
    mkdirSync(folder, { recursive: true });
    for (const [device, width] of Object.entries(WIDTHS))
      for (const colours of ['light', 'dark']) {
        await page.resize(width, 800);
        await theme(colours);
        for (const [name, view] of views) {
          await person.view(page, view);
          await settled();
          await page.shot(join(folder, `${name}-${device}-${colours}.png`), true);
        }
      }
  };
  await shoot(FIRST);
  await person.train(page, 'transfer');
  await shoot(VIEWS);
} finally {
  await browser.close();
  await server.close();
}
