// Model files of every released version, written by that version (scripts/release-files.mjs): they open, answer as they did
// then, to the bit, and encode to the same bytes.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { decodeModel, encodeModel, loadModel, readMarkets, update } from '../../src/index.ts';

const folder = new URL('releases/', import.meta.url);
const versions = readdirSync(folder);

test('the version of the package has files', () => {
  expect(versions).toContain('0.1.0');
  expect(versions).toContain(packageJson.version);
});

describe.each(versions)('%s', (version) => {
  const names = readdirSync(new URL(`${version}/`, folder))
    .filter((file) => file.endsWith('.m3rec'))
    .map((file) => file.slice(0, -'.m3rec'.length));
  const bytesOf = (name: string) => readFileSync(new URL(`${version}/${name}.m3rec`, folder));

  test.each(names)('%s opens, answers as it did, and encodes to the same bytes', async (name) => {
    const bytes = bytesOf(name);
    expect(Buffer.compare(encodeModel(decodeModel(bytes)), bytes)).toBe(0);
    const recommender = await loadModel(bytes);
    const answers = JSON.parse(readFileSync(new URL(`${version}/${name}.json`, folder), 'utf8'));
    expect(answers.length).toBe(recommender.markets.length);
    for (const { market, user, items, history, others } of answers) {
      expect(recommender.recommend({ market, user, k: 6 }).items).toEqual(items);
      // a kind that cannot fold in has no answer to a history
      if (others !== undefined) expect(recommender.recommend({ market, items: history, k: 6 }).items).toEqual(others);
    }
    recommender.close();
  });

  test('ease can be updated', async () => {
    const model = decodeModel(bytesOf('ease'));
    const [{ name, users }] = model.markets;
    const rows = ['user,item', ...model.items.slice(0, 30).map((item) => `${users![0]},${item}`), 'newcomer,novelty'];
    const news = await readMarkets([
      { name: 'news.csv', market: name, split: 'train', source: [`${rows.join('\n')}\n`] },
    ]);
    const { added } = await update(model, news);
    expect(added).toMatchObject({ users: 1, items: 1 });
  });
});
