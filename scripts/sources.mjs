// What scripts/house.mjs reads off sources without a compiler: their files, imports, functions and exported kernels.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const IMPORT = /\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g;
/** What no return type holds. */
const STATEMENTS = /\b(?:class|interface|export|const|let|function|return|else|try|do|finally|static|case|default)\b/;
const NOT_FUNCTIONS = new Set(['if', 'for', 'while', 'switch', 'catch', 'with']);

/**
 * The TypeScript files of a folder, by their paths in it, with their texts; declarations and generated files are left
 * out.
 */
export function sourcesOf(root, folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /(?<!\.d)\.ts$/.test(file))
    .map((file) => ({ file, text: readFileSync(join(root, folder, file), 'utf8') }))
    .filter(({ text }) => !text.startsWith('// Written by '))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** The files of the same folder that a file imports, dynamically too; types count. */
export function importsOf({ file, text }) {
  return Array.from(text.matchAll(IMPORT), ([, target]) => posix.normalize(posix.join(posix.dirname(file), target)));
}

/** Groups of files that import each other in a circle. */
export function circlesOf(sources) {
  const imports = new Map(sources.map((source) => [source.file, importsOf(source)]));
  const reached = (from) => {
    const seen = new Set();
    for (const queue = [from]; queue.length > 0; )
      for (const next of imports.get(queue.pop()) ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        queue.push(next);
      }
    return seen;
  };
  const reach = new Map(sources.map(({ file }) => [file, reached(file)]));
  const circles = [];
  const done = new Set();
  for (const { file } of sources) {
    if (done.has(file) || !reach.get(file).has(file)) continue;
    const circle = [...reach.get(file)].filter((other) => reach.get(other)?.has(file)).sort();
    for (const each of circle) done.add(each);
    circles.push(circle);
  }
  return circles;
}

/** The functions of a source that have a body in braces: name, line and number of lines. */
export function functionsOf(text) {
  const code = blank(text);
  const open = [];
  const functions = [];
  for (let i = 0; i < code.length; i++) {
    if (code[i] === '{') open.push(i);
    else if (code[i] === '}') {
      const head = headOf(code, open.pop() ?? 0);
      if (head) functions.push({ name: head.name, line: lineOf(code, head.at), lines: linesOf(code, head.at, i) });
    }
  }
  return functions;
}

/** The kernels that assembly/index.ts exports, with the number of their arguments. */
export function kernelsOf(sources) {
  const texts = new Map(sources.map(({ file, text }) => [file, blank(text)]));
  const index = sources.find(({ file }) => file === 'index.ts')?.text ?? '';
  return Array.from(index.matchAll(/export \{([^}]*)\} from '\.\/([^']+)'/g), ([, names, file]) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean)
      .map((name) => {
        const code = texts.get(`${file}.ts`);
        const at = code.indexOf('(', code.search(new RegExp(`export function ${name}\\b`)));
        const list = code.slice(at + 1, closing(code, at)).split(',');
        return { name, file: `${file}.ts`, parameters: list.filter((parameter) => parameter.trim() !== '').length };
      }),
  ).flat();
}

const lineOf = (code, at) => code.slice(0, at).split('\n').length;
const linesOf = (code, from, to) => code.slice(from, to).split('\n').length;

/** The function whose body starts at a brace: its name and where that stands; undefined for any other brace. */
function headOf(code, brace) {
  let end = code.slice(0, brace).trimEnd().length;
  const arrow = code.slice(end - 2, end) === '=>';
  if (arrow) end = code.slice(0, end - 2).trimEnd().length;
  // a bracket that a return type may hold is skipped as a whole
  let at = end - 1;
  let type = '';
  while (at >= 0 && code[at] !== ')') {
    if (code[at] === '}' || code[at] === ']') at = opening(code, at);
    else if (!/[\w\s.,<>|&:?"'-]/.test(code[at])) return undefined;
    else type = code[at] + type;
    at--;
  }
  if (at < 0 || !/^\s*(:|$)/.test(type) || STATEMENTS.test(type)) return undefined;
  const parenthesis = opening(code, at);
  const before = code
    .slice(0, parenthesis)
    .replace(/<[^()]*>$/, '')
    .trimEnd();
  if (arrow) {
    const named = /(\w+)\s*[:=]\s*(?:async)?$/.exec(before);
    return { name: named ? named[1] : 'arrow function', at: named ? named.index : parenthesis };
  }
  const named = /(\w+)$/.exec(before);
  if (!named || NOT_FUNCTIONS.has(named[1])) return undefined;
  return { name: named[1] === 'function' ? 'function' : named[1], at: named.index };
}

const PAIRS = { '(': ')', '[': ']', '{': '}' };

function closing(code, at) {
  for (let depth = 0; at < code.length; at++) {
    if ('([{'.includes(code[at])) depth++;
    else if (')]}'.includes(code[at]) && --depth === 0) return at;
  }
  return code.length;
}

function opening(code, at) {
  const [open] = Object.entries(PAIRS).find(([, close]) => close === code[at]);
  for (let depth = 0; at >= 0; at--) {
    if (code[at] === PAIRS[open]) depth++;
    else if (code[at] === open && --depth === 0) return at;
  }
  return 0;
}

/** The source with spaces in place of comments and of what is in strings, templates and regular expressions. */
function blank(text) {
  const literal = [
    /\/\/.*/y,
    /\/\*[\s\S]*?\*\//y,
    /'(?:\\.|[^'\\\n])*'/y,
    /"(?:\\.|[^"\\\n])*"/y,
    /(?<=(?:[(,=:[!&|?{};]|=>|return|\n)\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/\w*/y,
  ];
  let code = '';
  let at = 0;
  const templates = [];
  const skip = (length) => {
    code += text.slice(at, at + length).replace(/[^\n]/g, ' ');
    at += length;
  };
  /** The text of a template up to its end or to the next `${`. */
  const template = () => {
    const match = /(?:\\[\s\S]|(?!\$\{)[^`\\])*/y;
    match.lastIndex = at;
    skip(match.exec(text)[0].length);
    if (text[at] === '`') skip(1);
    else {
      templates.push(0);
      skip(2);
    }
  };
  while (at < text.length) {
    if (text[at] === '`') {
      skip(1);
      template();
      continue;
    }
    if (templates.length > 0 && text[at] === '}' && templates.at(-1) === 0) {
      templates.pop();
      skip(1);
      template();
      continue;
    }
    const found = literal
      .map((pattern) => {
        pattern.lastIndex = at;
        return pattern.exec(text)?.[0].length ?? 0;
      })
      .find((length) => length > 0);
    if (found) {
      skip(found);
      continue;
    }
    if (templates.length > 0 && text[at] === '{') templates[templates.length - 1]++;
    if (templates.length > 0 && text[at] === '}') templates[templates.length - 1]--;
    code += text[at++];
  }
  return code;
}
