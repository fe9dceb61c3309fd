// Browsers as the tests of the page use them: one interface over puppeteer and WebDriver.
import { readFileSync, writeFileSync } from 'node:fs';
import { puppeteer, startWebKit } from '../hosts/browsers.mjs';

const SECONDS = 60;
const CHROMIUM = '/usr/bin/chromium';
const FIREFOX = '/usr/bin/firefox-esr';

/** By name: the files that it needs, and how it starts. */
export const BROWSERS = {
  Chromium: { needs: [CHROMIUM], start: () => startPuppet('chrome', CHROMIUM) },
  Firefox: { needs: [FIREFOX], start: () => startPuppet('firefox', FIREFOX) },
  WebKitGTK: { needs: ['/usr/bin/WebKitWebDriver', '/usr/bin/xvfb-run'], start: startDriven },
};

/** Waits until `question` answers something true; the answer. */
export async function until(question, what, seconds = SECONDS) {
  const end = Date.now() + 1000 * seconds;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function startPuppet(browser, executablePath) {
  const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
  const launched = await puppeteer.launch({
    browser,
    executablePath,
    headless: true,
    // a training keeps the worker busy for seconds
    protocolTimeout: 1000 * SECONDS,
    args: browser === 'chrome' ? [...flags, '--disable-sync', '--no-first-run', '--lang=en'] : [],
    extraPrefsFirefox: { 'intl.accept_languages': 'en' },
  });
  return {
    version: (await launched.version()).replace(/^.*\//, ''),
    isChromium: browser === 'chrome',
    close: () => launched.close(),
    /** A page of its own profile, or of the profile of `beside`. */
    async newPage(beside) {
      const context = beside?.context ?? (await launched.createBrowserContext());
      const page = await context.newPage();
      await page.setViewport({ width: 1280, height: 800 });
      const requests = [];
      const problems = [];
      page.on('request', (request) => requests.push(request.url()));
      page.on('pageerror', (error) => problems.push(error.message ?? String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text());
      });
      page.on('dialog', (dialog) => dialog.accept());
      return {
        context,
        requests,
        problems,
        raw: page,
        goto: (url) => page.goto(url),
        /** Runs in each document before its scripts. */
        beforeScripts: (work) => page.evaluateOnNewDocument(work),
        reload: () => page.reload(),
        run: (work, ...args) => page.evaluate(work, ...args),
        source: (text) => page.evaluate(text),
        async keys(...names) {
          for (const name of names) await page.keyboard.press(name);
        },
        type: (text) => page.keyboard.type(text),
        async setFiles(selector, paths) {
          const input = await page.$(selector);
          await input.uploadFile(...paths);
        },
        resize: (width, height) => page.setViewport({ width, height }),
        theme: (value) => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]),
        shot: (path, fullPage = false) => page.screenshot({ path, fullPage }),
        close: () => (beside ? page.close() : context.close()),
      };
    },
  };
}

const KEYS = {
  Tab: '\uE004',
  Enter: '\uE007',
  Escape: '\uE00C',
  ArrowLeft: '\uE012',
  ArrowUp: '\uE013',
  ArrowRight: '\uE014',
  ArrowDown: '\uE015',
};
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** How long the driver's port takes to be free again. */
const PORT_MS = 1000;

/** WebKitGTK by its driver. The windows of a session share a profile, so each page has a session of its own. */
async function startDriven() {
  const { version, close } = await startWebKit(SECONDS, true);
  await close();
  return {
    version,
    isChromium: false,
    close: async () => {},
    async newPage(beside) {
      if (!beside) await new Promise((resolve) => setTimeout(resolve, PORT_MS));
      const session = beside?.session ?? (await startWebKit(SECONDS, true));
      const { command } = session;
      await command('POST', '/timeouts', { script: 1000 * SECONDS, pageLoad: 1000 * SECONDS });
      const handle = beside
        ? (await command('POST', '/window/new', { type: 'tab' })).handle
        : await command('GET', '/window');
      // A session has one current window, so no other page may come between choosing it and using it.
      const here = (method, path, body = {}) => {
        const answer = (session.last ?? Promise.resolve()).then(async () => {
          await command('POST', '/window', { handle });
          return command(method, path, method === 'GET' || method === 'DELETE' ? undefined : body);
        });
        session.last = answer.catch(() => {});
        return answer;
      };
      /** Calls back, since what the page returns may be a promise. */
      const call = async (script, args) => {
        const { value, error } = await here('POST', '/execute/async', {
          script: `const done = arguments[arguments.length - 1];
            Promise.resolve().then(() => ${script}).then((value) => done({ value }), (error) => done({ error: String(error) }));`,
          args,
        });
        if (error) throw new Error(error);
        return value ?? undefined;
      };
      await here('POST', '/window/rect', { width: 1280, height: 900 });
      return {
        session,
        requests: [],
        problems: [],
        goto: (url) => here('POST', '/url', { url }),
        reload: () => here('POST', '/refresh'),
        run: (work, ...args) => call(`(${work})(...[...arguments].slice(0, -1))`, args),
        source: (text) => call(`{ ${text} }`, []),
        async keys(...names) {
          const actions = names.flatMap((name) => {
            const value = KEYS[name] ?? name;
            return [
              { type: 'keyDown', value },
              { type: 'keyUp', value },
            ];
          });
          await here('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
        },
        async type(text) {
          await this.keys(...text);
        },
        async setFiles(selector, paths) {
          const element = await here('POST', '/element', { using: 'css selector', value: selector });
          await here('POST', `/element/${element[ELEMENT]}/value`, { text: paths.join('\n') });
        },
        resize: (width, height) => here('POST', '/window/rect', { width, height }),
        theme: async () => {},
        shot: async (path) => writeFileSync(path, Buffer.from(await here('GET', '/screenshot'), 'base64')),
        close: () => (beside ? here('DELETE', '/window') : session.close()),
      };
    },
  };
}

export const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
