// Titles and other properties of items in the model: file, export, update, answers, and what is refused.
import { beforeAll, describe, expect, test } from 'vitest';
import {
  assembleGenerated,
  createHandler,
  decodeModel,
  encodeModel,
  exportModel,
  generateMarkets,
  inspectModel,
  itemDataOf,
  loadModel,
  type Markets,
  type Model,
  readItems,
  readMarkets,
  train,
  update,
  withItemData,
} from '../../src/index.ts';

let markets: Markets;
let plain: Model;
let model: Model;
beforeAll(async () => {
  markets = assembleGenerated(generateMarkets({ seed: 4, users: 300, items: 200, interactions: 2500 }));
  plain = await train(markets, { model: 'ease' });
  const rows = plain.items.map((item, i) =>
    i % 3 === 0 ? '' : `${item}\t"Item ${i}, ü"\t${i % 2 === 0 ? '' : 'odd'}\n`,
  );
  model = withItemData(plain, await readItems(`itemId\ttitle\tcategory\n${rows.join('')}unknown\tx\ty\n`, 'items.tsv'));
});

describe('a model with item data', () => {
  test('survives the file to the byte, which tells of it', () => {
    const bytes = encodeModel(model);
    expect(decodeModel(bytes)).toEqual(model);
    expect(encodeModel(decodeModel(bytes))).toEqual(bytes);
    expect(model.itemData!.title.slice(0, 3)).toEqual([null, 'Item 1, ü', 'Item 2, ü']);
    expect(model.itemData!.category.slice(0, 3)).toEqual([null, 'odd', null]);
    const { sections, version } = inspectModel(bytes);
    expect(sections.find(({ kind }) => kind === 'item data')).toMatchObject({ market: null, use: 'items' });
    expect(version).toBe(3);
    expect(inspectModel(encodeModel(plain)).version).toBe(1);
  });

  test('answers with it, and is exported and updated with it', async () => {
    const recommender = await loadModel(encodeModel(model));
    expect(itemDataOf(recommender.model, model.items[1])).toEqual({ title: 'Item 1, ü', category: 'odd' });
    expect(itemDataOf(recommender.model, ` ${model.items[1]} `, ['category'])).toEqual({ category: 'odd' });
    expect(itemDataOf(recommender.model, model.items[0])).toBeUndefined();
    expect(itemDataOf(recommender.model, 'never heard of')).toBeUndefined();
    expect(() => itemDataOf(recommender.model, 'x', ['colour'])).toThrow(
      'properties: found "colour", expected category, title',
    );
    const bare = await loadModel(encodeModel(plain));
    expect(itemDataOf(bare.model, model.items[1])).toBeUndefined();
    expect(() => itemDataOf(bare.model, 'x', ['title'])).toThrow('expected none, since the model has no item data');

    const [{ name, items }] = model.markets;
    const edge = await loadModel(encodeModel(exportModel(model, { markets: [name] })));
    for (const item of items)
      expect(itemDataOf(edge.model, model.items[item])).toEqual(itemDataOf(recommender.model, model.items[item]));

    const updatable = withItemData(
      await train(markets, { model: 'transfer', singularVectors: 0 }),
      new Map([[model.items[5], { title: 'Five' }]]),
    );
    const more = await readMarkets([
      { name: `${name}.csv`, market: name, split: 'train', source: 'userId,itemId\nnew,0 first\n' },
    ]);
    const { model: grown } = await update(updatable, more);
    expect(grown.items.length).toBe(model.items.length + 1);
    const after = await loadModel(encodeModel(grown));
    expect(itemDataOf(after.model, model.items[5])).toEqual({ title: 'Five' });
    expect(grown.itemData!.title.filter((title) => title !== null)).toEqual(['Five']);
  });

  test('is served where a query asks for it', async () => {
    const handler = createHandler(await loadModel(encodeModel(model)));
    const [{ name, items }] = model.markets;
    const ask = async (path: string, body?: unknown) => {
      const init =
        body === undefined
          ? {}
          : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
      const response = await handler(new Request(`http://shop/v1/${path}`, init));
      return { status: response.status, ...(await response.json()) };
    };
    const history = model.items[items[0]];
    const found = await ask(`${name}/recommend?items=${history}&properties=title,category&k=20`);
    expect(found.items).toHaveLength(20);
    for (const { item, properties } of found.items) {
      const at = model.items.indexOf(item);
      expect(properties).toEqual(
        at % 3 === 0 ? undefined : { title: `Item ${at}, ü`, ...(at % 2 === 1 && { category: 'odd' }) },
      );
    }
    expect((await ask(`${name}/recommend?items=${history}`)).items[0].properties).toBeUndefined();
    const similar = await ask(`${name}/similar?item=${history}&properties=title`);
    expect(similar.items.some(({ properties }: { properties?: object }) => properties)).toBe(true);
    const candidates = [model.items[items[1]], model.items[items[2]], 'unknown'];
    const ranked = await ask(`${name}/rank`, { queries: [{ items: [history], candidates, properties: ['title'] }] });
    expect(ranked.results[0].items).toHaveLength(3);
    expect(await ask(`${name}/recommend?items=${history}&properties=colour`)).toMatchObject({
      status: 400,
      error: { argument: 'properties', message: 'properties: found "colour", expected category, title' },
    });
  });
});

test('what is no item data is refused', () => {
  expect(() => withItemData(plain, new Map([['never heard of', { title: 'x' }]]))).toThrow(
    'properties: none of these 1 items is in the model; are the ids those of the interactions?',
  );
  const of = (itemData: unknown) => () => encodeModel({ ...plain, itemData } as Model);
  expect(of({ title: 'x' })).toThrow('model.itemData.title');
  expect(of({ title: plain.items.map(() => 1) })).toThrow('model.itemData.title[0]: found 1, expected a text or null');
  expect(of({ title: ['x'] })).toThrow(/"item data".*a list of \d+ texts or nulls/);
  // a name that objects have anyway is one like others
  const named = withItemData(plain, new Map([[plain.items[0], JSON.parse('{"__proto__":"x"}')]]));
  expect(decodeModel(encodeModel(named)).itemData).toEqual(named.itemData);
  expect(Object.keys(named.itemData!)).toEqual(['__proto__']);
});
