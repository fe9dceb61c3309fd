// What a person does on the page, by role and name; every function runs in any browser.
import { until } from './browsers.mjs';

/** Opens the page and waits for the sample to answer, and for all of it where `whole`. */
export async function visit(page, url, whole = true) {
  await page.goto(url);
  await ready(page, whole);
}

export async function ready(page, whole = true) {
  await until(
    () => page.run((mark) => performance.getEntriesByName(mark).length > 0, whole ? 'm3rec-sample' : 'm3rec-ready'),
    'the page is ready',
  );
}

/** Text of what is shown. */
export const text = (page, selector = 'main') => page.run((s) => document.querySelector(s)?.innerText ?? '', selector);

export const waitFor = (page, words, selector = 'main', seconds = undefined) =>
  until(async () => (await text(page, selector)).includes(words), `“${words}” in ${selector}`, seconds);

/** Clicks what has this role and name. */
export async function click(page, role, name) {
  const find = (r, n) => {
    const selectors = {
      button: 'button',
      link: 'a',
      tab: '[role=tab]',
      radio: 'input[type=radio]',
      checkbox: 'input[type=checkbox]',
      summary: 'summary',
      option: '[role=option]',
    };
    const nameOf = (element) =>
      element.getAttribute('aria-label') ?? (element.labels?.[0] ?? element).textContent ?? '';
    const found = [...document.querySelectorAll(selectors[r])].find(
      (element) => !element.disabled && element.getClientRects().length > 0 && nameOf(element).trim().startsWith(n),
    );
    found?.scrollIntoView({ block: 'center' });
    found?.click();
    return found !== undefined;
  };
  await until(() => page.run(find, role, name), `${role} “${name}”`);
}

/** Chooses in the select whose label begins with these words. */
export async function choose(page, label, value) {
  const set = (words, to) => {
    const found = [...document.querySelectorAll('select')].find((each) =>
      each.labels?.[0]?.textContent?.trim().startsWith(words),
    );
    if (!found || ![...found.options].some((option) => option.value === to)) return false;
    found.value = to;
    found.dispatchEvent(new Event('change', { bubbles: true }));
    return true;
  };
  await until(() => page.run(set, label, value), `select “${label}” with ${value}`);
}

/** Writes in the field whose label begins with these words. */
export async function fill(page, label, value) {
  const set = (words, to) => {
    const found = [...document.querySelectorAll('input, textarea')].find((each) =>
      (each.getAttribute('aria-label') ?? each.labels?.[0]?.textContent)?.trim().startsWith(words),
    );
    if (!found) return false;
    found.value = to;
    found.dispatchEvent(new Event('input', { bubbles: true }));
    found.dispatchEvent(new Event('change', { bubbles: true }));
    return true;
  };
  await until(() => page.run(set, label, value), `field “${label}”`);
}

export const view = (page, name) =>
  page.run((hash) => {
    location.hash = hash;
  }, `#/${name}`);

/** Titles in a list of answers. */
export const answers = (page, list = '.others') =>
  page.run(
    (s) => [...document.querySelectorAll(`${s} .title`)].map((each) => each.firstChild.textContent.trim()),
    list,
  );

/** Hands files to the Data view's input. */
export async function giveFiles(page, paths) {
  await view(page, 'data');
  await until(() => page.run(() => document.querySelector('.drop input[type=file]') !== null), 'the drop box');
  await page.setFiles('.drop input[type=file]', paths);
}

/** Reads files as they are recognised. */
export async function readFiles(page, paths) {
  await giveFiles(page, paths);
  await click(page, 'button', 'Read ');
  await until(() => page.run(() => document.querySelector('main table tbody th .market') !== null), 'Table 1');
}

/** Trains a kind with what is set; waits for its end. */
export async function train(page, kind, seconds = undefined) {
  await view(page, 'train');
  await click(page, 'radio', kind);
  await click(page, 'button', 'Train');
  await waitFor(page, 'Trained in', 'main', seconds);
}

/** Lets a test end the page's worker, as a browser does that runs out of memory. Before the page is visited. */
export const watchWorker = (page) =>
  page.beforeScripts(() => {
    const Made = window.Worker;
    window.Worker = class extends Made {
      constructor(...given) {
        super(...given);
        window.endWorker = () => this.terminate();
      }
    };
  });

/** Keeps what the page would download: name, and content as base64. */
export const catchDownloads = (page) =>
  page.run(() => {
    window.showSaveFilePicker = undefined;
    const blobs = new Map();
    const make = URL.createObjectURL.bind(URL);
    URL.createObjectURL = (blob) => {
      const url = make(blob);
      blobs.set(url, blob);
      return url;
    };
    window.caught = [];
    HTMLAnchorElement.prototype.click = async function () {
      const bytes = new Uint8Array(await blobs.get(this.href).arrayBuffer());
      let binary = '';
      for (const byte of bytes) binary += String.fromCharCode(byte);
      window.caught.push({ name: this.download, content: btoa(binary) });
    };
  });

export async function caught(page) {
  const { name, content } = await until(() => page.run(() => window.caught.shift()), 'a download');
  return { name, bytes: Buffer.from(content, 'base64') };
}
