// The tables of options: every entry is checked, has a flag of its own name, and is on the guide's page.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { optionsPage, PAGE } from '../../scripts/options-page.mjs';
import { ArgumentError, KINDS, resolveOptions } from '../../src/index.ts';
import type { ModelKind } from '../../src/models/kind.ts';
import { defaultOf, type OptionSpec } from '../../src/models/options.ts';

const specs = KINDS.flatMap((kind: ModelKind) =>
  Object.entries(kind.options).map(([name, spec]): [string, string, OptionSpec, ModelKind] => [
    kind.name,
    name,
    spec,
    kind,
  ]),
);
const camel = (flag: string) => flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

test.each(specs)('%s, %s: values out of its range are refused by name', (model, name, spec) => {
  const wrong: unknown[] = [null, true, {}, Number.NaN];
  if (spec.type === 'choice') wrong.push('no such choice', 1);
  else {
    wrong.push(String(spec.min), spec.min - 1, spec.max + spec.max / 2 + 1, Infinity);
    if (spec.integer) wrong.push(spec.min + 0.5);
    if (spec.multipleOf) wrong.push(spec.min + 1);
  }
  for (const value of wrong) {
    const resolve = () => resolveOptions({ model, [name]: value } as never);
    expect(resolve, `${name}: ${String(value)}`).toThrow(ArgumentError);
    expect(resolve).toThrow(new RegExp(`^${name}: found `));
  }
});

test.each(specs)(
  '%s, %s: its limits are accepted, and its default is what is resolved without it',
  (model, name, spec, kind) => {
    const values = spec.type === 'choice' ? spec.choices : [spec.min, spec.max];
    for (const value of values) expect(() => resolveOptions({ model, [name]: value } as never)).not.toThrow();
    const preset = kind.options.preset ? (defaultOf(kind.options.preset) as string) : undefined;
    const unrecorded = spec.type === 'choice' && spec.unrecorded;
    const resolved = resolveOptions({ model } as never) as unknown as Record<string, unknown>;
    if (typeof spec.default !== 'object') expect(resolved[name]).toBe(unrecorded ? undefined : spec.default);
    else if (preset) expect(resolved[name]).toBe(defaultOf(spec, preset));
  },
);

test.each(specs)(
  '%s, %s: the flag is named like the option, and its sentence has no full stop',
  (_, name, { flag, text }) => {
    const [, long] = /^--([a-z][a-z0-9-]*) <[a-z]+>$/.exec(flag)!;
    expect(camel(long)).toBe(name);
    expect(text).not.toMatch(/\.$/);
  },
);

test('kinds that share an option share its entry, but for its default and for presets', () => {
  const entries = new Map<string, OptionSpec>();
  for (const [, name, { default: _, ...spec }] of specs.filter(([, name]) => name !== 'preset'))
    expect(entries.set(name, entries.get(name) ?? (spec as OptionSpec)).get(name)).toEqual(spec);
});

test('options of no kind, and kinds that are not there, are refused by name', () => {
  expect(() => resolveOptions({ lamdaF: 3 } as never)).toThrow(
    /^options: found "lamdaF", expected one of model, preset, /,
  );
  expect(() => resolveOptions({ model: null } as never)).toThrow(/^model: found null, expected transfer/);
  expect(() => resolveOptions({ model: 'svd' } as never)).toThrow(
    /^model: found "svd", expected transfer, m3rec, ease, popularity, itemknn/,
  );
});

test('the guide’s page is what the tables say: node scripts/options-page.mjs', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(optionsPage(KINDS));
});
