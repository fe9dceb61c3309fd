// The shop that the tests of the page read, in every form, and what Node makes of it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { parquetWriteBuffer } from 'hyparquet-writer';
import * as m3rec from '../../dist/index.js';
import { readDirectory } from '../../dist/node.js';

/** Writes the files into a folder; returns their paths and Node's model. */
export async function makeShop(folder) {
  const data = m3rec.generateMarkets({ seed: 4, users: 400, items: 200, interactions: 4000 });
  const rowsOf = (market, split) =>
    Array.from(market[split].users, (user, i) => [market.users[user], data.items[market[split].items[i]]]);
  const all = data.markets.flatMap((market) =>
    rowsOf(market, 'train').map(([user, item]) => [market.name, `${market.name}-${user}`, item]),
  );
  const lines = (rows, between, ending = '\n') => rows.map((row) => row.join(between) + ending).join('');
  const csv = `market,userId,itemId\n${lines(all, ',')}`;
  const write = (name, content) => {
    const path = join(folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
  const half = csv.indexOf('\n', csv.length / 2) + 1;
  const text = (part) => new TextEncoder().encode(part);
  const forms = {
    CSV: write('shop.csv', csv),
    TSV: write('shop.tsv', csv.replaceAll(',', '\t')),
    'semicolons, byte order mark, CRLF': write('excel.csv', `\ufeffmarket;userId;itemId\r\n${lines(all, ';', '\r\n')}`),
    'JSON lines': write(
      'shop.jsonl',
      all.map(([market, userId, itemId]) => `${JSON.stringify({ market, userId, itemId })}\n`).join(''),
    ),
    Parquet: write(
      'shop.parquet',
      new Uint8Array(
        parquetWriteBuffer({
          columnData: ['market', 'userId', 'itemId'].map((name, column) => ({
            name,
            data: all.map((row) => row[column]),
            type: 'STRING',
          })),
        }),
      ),
    ),
    'gzip of two members': write(
      'joined.csv.gz',
      Buffer.concat([gzipSync(csv.slice(0, half)), gzipSync(csv.slice(half))]),
    ),
    zip: write('shop.zip', zipSync({ 'shop.csv': text(csv) })),
  };
  const byMarket = data.markets.map(({ name }) =>
    write(
      `markets/${name}.csv`,
      `userId,itemId\n${lines(
        all.filter(([market]) => market === name).map(([, ...row]) => row),
        ',',
      )}`,
    ),
  );
  const titles = write(
    'hostile/items.csv',
    `itemId,title,category\n${data.items
      .map((item, i) => `${item},"<img src=x onerror=document.body.remove()> \u202e${'w'.repeat(60)} ${i}",<b>c</b>`)
      .join('\n')}\n`,
  );
  const pictures = (from) =>
    write(
      'pictures/items.csv',
      `itemId,title,image\n${data.items.map((item) => `${item},Picture of ${item},${from}${item}.svg`).join('\n')}\n`,
    );
  const markets = await readDirectory(forms.CSV);
  const trained = (options) => m3rec.train(markets, options).then(m3rec.encodeModel);
  const model = await trained({ model: 'ease' });
  return {
    forms,
    byMarket,
    titles,
    pictures,
    markets: data.markets.map(({ name }) => name),
    rows: markets.markets.reduce((sum, { interactions }) => sum + interactions.indices.length, 0),
    renamed: write('renamed.csv', csv.replace('market,userId,itemId', 'land,wer,was')),
    broken: write('broken.csv', csv.replace('\n', '\nde,u-extra,"unclosed\n')),
    picture: write('photo.jpg', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)),
    model: write('node.m3rec', model),
    damaged: write(
      'damaged.m3rec',
      model.map((byte, at) => (at === model.length >> 1 ? byte ^ 255 : byte)),
    ),
    notModel: write('not.m3rec', 'this is no model'),
    recommender: await m3rec.loadModel(model),
    m3rec,
  };
}
