// DATABASE=postgres://… node night.mjs: a shop's night. Orders out of PostgreSQL, a check of what a model of them is worth on
// each user's last order, a model of all orders, and the best items of every user back into PostgreSQL, for the day to read.
import { encodeModel, evaluate, loadModel, splitMarkets, train } from 'm3rec';
import { nodeWorkers, readDirectory, writeFileAtomically } from 'm3rec/node';
import pg from 'pg';

const { DATABASE, FILE = 'shop.m3rec' } = process.env;
const ORDERS = process.env.ORDERS ?? 'select user_id, item_id, market, ordered_at from orders';
const BEST = 10;
/** Users whose rows are written by one statement. */
const CHUNK = 500;

const percent = (share) => `${(100 * share).toFixed(2)} %`;

// Out of the database, by a cursor, each user's items by their first order.
const markets = await readDirectory(DATABASE, { query: ORDERS, times: 'first' });

// Is it worth it? The users' last orders are held out; a model of the others has to rank them better than popularity does.
const { markets: parts, report } = await splitMarkets(markets, { method: 'last' });
const heldOut = report.markets.reduce((sum, { valid }) => sum + valid.interactions, 0);
const ndcgOf = async (options) =>
  (await evaluate(await loadModel(encodeModel(await train(parts, { workers: nodeWorkers, ...options }))), parts)).mean
    .ndcg;
const [ours, popular] = [await ndcgOf({ model: 'ease' }), await ndcgOf({ model: 'popularity' })];
console.log(`NDCG@10 on ${heldOut} last orders: ${percent(ours)}, popularity ${percent(popular)}`);
if (!(ours > popular)) {
  console.error('the model is not better than popularity: yesterday’s recommendations stay');
  process.exit(1);
}

// All orders, and all users at once.
const bytes = encodeModel(await train(markets, { workers: nodeWorkers, model: 'ease' }));
await writeFileAtomically(FILE, bytes);
const recommender = await loadModel(bytes);
const users = markets.markets.flatMap(({ name, users }) => users.map((user) => ({ market: name, user })));

// Back into the database, whole or not at all: readers see yesterday's rows until the commit.
const client = new pg.Client({ connectionString: DATABASE });
await client.connect();
try {
  await client.query(`create table if not exists recommendations
    (market text, user_id text, rank int, item_id text, score real, primary key (market, user_id, rank))`);
  await client.query('begin');
  await client.query('delete from recommendations');
  let rows = 0;
  for (let at = 0; at < users.length; at += CHUNK) {
    const some = users.slice(at, at + CHUNK);
    const answers = recommender.recommendBatch(some.map((user) => ({ ...user, k: BEST })));
    const lines = answers.flatMap(({ items }, i) =>
      items.map(({ item, score }, rank) => [some[i].market, some[i].user, rank + 1, item, score]),
    );
    const columns = [0, 1, 2, 3, 4].map((column) => lines.map((line) => line[column]));
    await client.query(
      'insert into recommendations select * from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::real[])',
      columns,
    );
    rows += lines.length;
  }
  await client.query('commit');
  console.log(`${rows} recommendations for ${users.length} users; the model is ${FILE}`);
} finally {
  await client.end();
}
