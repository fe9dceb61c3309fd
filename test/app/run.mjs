// npm run test:app: the page in real browsers; see README.md here.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { install } from '../hosts/install.mjs';

const USAGE = `npm run test:app -- [options]

Drives the page in Chromium, Firefox and WebKitGTK.

  --browser NAME  only this browser (may be given again)
  --only TEXT     only cases whose name contains TEXT
  --strict        a browser that cannot be installed here is a failure
  --save          writes bench/results/app-tests.md and .json
  --help          this text
`;
/** A browser under load sometimes keeps a page waiting; what fails again is a fault of ours. */
const TRIES = 2;
process.exitCode = await main();

async function main() {
  const { values } = parseArgs({
    options: {
      browser: { type: 'string', multiple: true },
      only: { type: 'string' },
      strict: { type: 'boolean' },
      save: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  install();
  // what follows needs the installed packages
  const { BROWSERS } = await import('./browsers.mjs');
  const { CASES } = await import('./cases.mjs');
  const { startPictures, startServer, startStatic, startSwitching } = await import('./server.mjs');
  const { makeShop } = await import('./shop.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-page-'));
  const cases = CASES.filter(({ name }) => !values.only || name.includes(values.only));
  const rows = cases.map(({ name }) => ({ name }));
  const versions = {};
  let failed = 0;
  const closing = [];
  const say = (browser, text) => process.stdout.write(`${browser}: ${text}\n`);
  /** One case on a page of its own. @throws what the case throws, with what the page said */
  const runCase = async (browserName, browser, servers, { run }, i) => {
    const page = await browser.newPage();
    try {
      await run({ page, browser, ...servers });
    } catch (error) {
      const problems = page.problems.length ? `\n    the page said: ${page.problems.slice(0, 3).join(' | ')}` : '';
      if (process.env.M3REC_SHOTS)
        await page.shot(join(process.env.M3REC_SHOTS, `${browserName}-${i}.png`)).catch(() => {});
      throw new Error(`${error?.stack ?? error}${problems}`);
    } finally {
      await page.close().catch(() => {});
    }
  };
  try {
    const shop = await makeShop(folder);
    const server = await startServer();
    closing.push(server.close);
    const still = await startStatic();
    closing.push(still.close);
    const servers = {
      shop,
      url: server.url,
      staticUrl: still.url,
      startServer,
      startSwitching,
      startPictures,
      hasThreads: true,
    };
    const inBrowser = async (name, { needs, start }) => {
      const missing = needs.filter((file) => !existsSync(file));
      const skip = (why) => {
        for (const row of rows) row[name] = why;
        say(name, why);
      };
      if (missing.length > 0) {
        skip(`not installed (${missing.join(', ')})`);
        if (values.strict) failed++;
        return;
      }
      let browser;
      try {
        browser = await start();
      } catch (error) {
        skip(`did not start: ${line(error)}`);
        failed++;
        return;
      }
      versions[name] = browser.version;
      for (const [i, each] of cases.entries()) {
        if (each.only && !each.only.includes(name)) {
          rows[i][name] = 'no driver for it';
          continue;
        }
        const began = performance.now();
        rows[i][name] = 'failed';
        for (let tries = 1; tries <= TRIES && rows[i][name] === 'failed'; tries++) {
          try {
            await runCase(name, browser, servers, each, i);
            rows[i][name] = tries === 1 ? 'passed' : `passed at try ${tries}`;
          } catch (error) {
            say(name, `failed, try ${tries} of ${TRIES}: ${each.name}\n    ${error.message}`);
          }
        }
        if (rows[i][name] === 'failed') failed++;
        else say(name, `${rows[i][name]}: ${each.name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
      }
      await browser.close().catch(() => {});
    };
    // a browser waits for most of its time, so they run beside one another
    const chosen = Object.entries(BROWSERS).filter(([name]) => !values.browser || values.browser.includes(name));
    await Promise.all(chosen.map(([name, browser]) => inBrowser(name, browser)));
  } finally {
    for (const close of closing) await close();
    rmSync(folder, { recursive: true });
  }
  const passed = rows.flatMap((row) => Object.values(row)).filter((value) => value.startsWith('passed')).length;
  if (values.save) {
    const { save, table } = await import('../../bench/harness/report.mjs');
    keepOthers(rows, versions);
    const names = Object.keys(BROWSERS).filter((name) => versions[name] !== undefined);
    const head = ['', ...names.map((name) => `${name} ${versions[name]}`)];
    const shown = table(
      head,
      rows.map((row) => [row.name, ...names.map((name) => row[name])]),
      head.length,
    );
    save('app-tests', 'The page in browsers', [shown], { versions, rows }, { everywhere: true });
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

const line = (error) => String(error?.message ?? error).split('\n')[0];

/** Takes over what an earlier run found in browsers that this run left out. */
function keepOthers(rows, versions) {
  const file = new URL('../../bench/results/app-tests.json', import.meta.url);
  if (!existsSync(file)) return;
  const before = JSON.parse(readFileSync(file, 'utf8'));
  for (const [browser, version] of Object.entries(before.versions)) {
    if (versions[browser] !== undefined) continue;
    versions[browser] = version;
    for (const row of rows) row[browser] = before.rows.find(({ name }) => name === row.name)?.[browser] ?? 'not run';
  }
}
