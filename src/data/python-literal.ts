export type Json = string | number | boolean | null | undefined | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/**
 * A dictionary as Python's `print` writes it: strings in single or double quotes, `u'…'`, None, True, False, tuples.
 */
export class PythonLiteral {
  private at = 0;
  constructor(private readonly text: string) {}

  /** Undefined for what is none. */
  object(): JsonObject | undefined {
    try {
      const value = this.value(0);
      this.blank();
      return this.at === this.text.length ? (value as JsonObject) : undefined;
    } catch {
      return undefined;
    }
  }

  private blank(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }

  private fail(): never {
    throw new Error('no literal');
  }

  private value(depth: number): Json {
    if (depth > 64) this.fail();
    this.blank();
    const rest = /^(?:u?r?(['"])|[{[(]|None|True|False|-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/.exec(
      this.text.slice(this.at, this.at + 400),
    );
    if (!rest) this.fail();
    const [token, quote] = rest;
    this.at += token.length;
    if (quote !== undefined) return this.string(quote);
    if (token === '{') return this.dictionary(depth);
    if (token === '[' || token === '(') return this.list(token === '[' ? ']' : ')', depth);
    if (token === 'None') return null;
    if (token === 'True' || token === 'False') return token === 'True';
    return Number(token);
  }

  private string(quote: string): string {
    let value = '';
    for (;;) {
      const char = this.text[this.at++];
      if (char === undefined) this.fail();
      if (char === quote) return value;
      value += char === '\\' ? this.escape() : char;
    }
  }

  private escape(): string {
    const char = this.text[this.at++];
    const digits = char === 'x' ? 2 : char === 'u' ? 4 : char === 'U' ? 8 : 0;
    if (digits > 0) {
      const code = Number.parseInt(this.text.slice(this.at, this.at + digits), 16);
      this.at += digits;
      return code <= 0x10ffff ? String.fromCodePoint(code) : this.fail();
    }
    return { n: '\n', t: '\t', r: '\r', '\n': '' }[char] ?? char ?? this.fail();
  }

  private dictionary(depth: number): JsonObject {
    const entries: [string, Json][] = [];
    for (;;) {
      this.blank();
      if (this.text[this.at] === '}') break;
      const name = this.value(depth + 1);
      this.blank();
      if (this.text[this.at++] !== ':') this.fail();
      entries.push([String(name), this.value(depth + 1)]);
      this.blank();
      if (this.text[this.at] !== ',') break;
      this.at++;
    }
    if (this.text[this.at++] !== '}') this.fail();
    return Object.fromEntries(entries);
  }

  private list(close: string, depth: number): Json[] {
    const values: Json[] = [];
    for (;;) {
      this.blank();
      if (this.text[this.at] === close) break;
      values.push(this.value(depth + 1));
      this.blank();
      if (this.text[this.at] !== ',') break;
      this.at++;
    }
    if (this.text[this.at++] !== close) this.fail();
    return values;
  }
}
