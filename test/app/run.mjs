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
  try {
    const shop = await makeShop(folder);
    const server = await startServer();
    closing.push(server.close);
    const still = await startStatic();
    closing.push(still.close);
    for (const [browserName, { needs, start }] of Object.entries(BROWSERS)) {
      if (values.browser && !values.browser.includes(browserName)) continue;
      const missing = needs.filter((file) => !existsSync(file));
      if (missing.length > 0) {
        process.stdout.write(`${browserName}: not installed (${missing.join(', ')})\n`);
        for (const row of rows) row[browserName] = 'not installed';
        if (values.strict) failed++;
        continue;
      }
      let browser;
      try {
        browser = await start();
      } catch (error) {
        process.stdout.write(`${browserName}: did not start: ${line(error)}\n`);
        for (const row of rows) row[browserName] = 'did not start';
        failed++;
        continue;
      }
      versions[browserName] = browser.version;
      process.stdout.write(`${browserName} ${browser.version}\n`);
      for (const [i, { name, run, only }] of cases.entries()) {
        if (only && !only.includes(browserName)) {
          rows[i][browserName] = 'no driver for it';
          continue;
        }
        const began = performance.now();
        let page;
        try {
          page = await browser.newPage();
          const context = {
            page,
            browser,
            shop,
            url: server.url,
            staticUrl: still.url,
            startServer,
            startSwitching,
            startPictures,
            hasThreads: true,
          };
          await run(context);
          rows[i][browserName] = 'passed';
        } catch (error) {
          failed++;
          rows[i][browserName] = 'failed';
          const problems = page?.problems.length ? `\n    the page said: ${page.problems.slice(0, 3).join(' | ')}` : '';
          process.stdout.write(`  failed: ${name}\n    ${error?.stack ?? error}${problems}\n`);
          if (process.env.M3REC_SHOTS)
            await page?.shot(join(process.env.M3REC_SHOTS, `${browserName}-${i}.png`)).catch(() => {});
        } finally {
          await page?.close().catch(() => {});
        }
        const seconds = ((performance.now() - began) / 1000).toFixed(1);
        if (rows[i][browserName] === 'passed') process.stdout.write(`  passed: ${name} (${seconds} s)\n`);
      }
      await browser.close().catch(() => {});
    }
  } finally {
    for (const close of closing) await close();
    rmSync(folder, { recursive: true });
  }
  const passed = rows.flatMap((row) => Object.values(row)).filter((value) => value === 'passed').length;
  if (values.save) {
    const { save, table } = await import('../../bench/harness/report.mjs');
    keepOthers(rows, versions);
    const names = Object.keys(versions);
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
