// Which of the library's refusals were reached: the places in the sources that throw a typed error, and the stacks of
// the errors that a run met, led back through the bundle's source map.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';

const root = new URL('../../', import.meta.url);
/** The sources whose refusals are counted. */
const SOURCES = [
  'src/model/container.ts',
  'src/model/read-fields.ts',
  'src/model/write-fields.ts',
  'src/model/file.ts',
  'src/data/rows.ts',
  'src/data/read-markets.ts',
  'src/cli/run-file.ts',
];
/** Functions that throw on behalf of their caller: the refusal is where they are called. */
const HELPERS = /^(fail|refuse|missingColumns|check[A-Z]\w*)$/;
const CALLS = /(?<![\w$])(?:fail|refuse|missingColumns|check[A-Z]\w*|new \w+Error)\(/;
const DECLARES = /^(\s*)(?:export )?(?:(?:private |function )(\w+)(?:<[^(]*>)?\(|(\w+)(?:<[^(]*>)?\(.*\{$)/;

/** Every place that refuses: `file:line` and the line's text. */
export function listSites() {
  return SOURCES.flatMap((file) => {
    const lines = readFileSync(new URL(file, root), 'utf8').split('\n');
    const sites = [];
    let inside;
    for (const [i, text] of lines.entries()) {
      if (inside !== undefined) {
        if (text === `${inside}}`) inside = undefined;
        continue;
      }
      const [, indent, declared, method] = DECLARES.exec(text) ?? [];
      const name = declared ?? method;
      if (name !== undefined && HELPERS.test(name) && !/\b(if|for|while)\b/.test(text)) inside = indent;
      else if (CALLS.test(text) && !/^\s*(\*|\/\/)/.test(text))
        sites.push({
          file,
          line: i + 1,
          text: lines
            .slice(i, i + 6)
            .join(' ')
            .trim(),
        });
    }
    return sites;
  });
}

/** Leads stacks of the bundle back to places in the sources. */
export class SiteFinder {
  #map;
  #known = new Map();
  constructor(bundle) {
    this.#map = new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')));
  }

  /** `file:line` of the caller of the innermost helpers. */
  find(stack) {
    for (const frame of stack.split(' ')) {
      const [, name, line, column] = /^(.*)@(\d+):(\d+)$/.exec(frame) ?? [];
      if (line === undefined || HELPERS.test(name.split('.').pop().replace(/\d+$/, ''))) continue;
      return this.place(Number(line), Number(column));
    }
    return undefined;
  }

  place(line, column) {
    const key = `${line}:${column}`;
    if (!this.#known.has(key)) {
      const { originalSource = '?', originalLine = 0 } = this.#map.findEntry(line - 1, column - 1);
      this.#known.set(key, `${originalSource.replace(/^.*?((?:src|test|assembly)\/)/, '$1')}:${originalLine + 1}`);
    }
    return this.#known.get(key);
  }

  /** A stack trace of the bundle, with the places in the sources. */
  readable(text) {
    return text.replace(
      /\(?(?:file:\/\/)?[^\s(]*?bundle\.mjs:(\d+):(\d+)\)?/g,
      (_, line, column) => `(${this.place(Number(line), Number(column))})`,
    );
  }
}
