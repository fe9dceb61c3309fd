// examples/shop-night, against a PostgreSQL server of the test's own: orders in, recommendations out.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateMarkets } from '../../src/data/generate.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';

const script = fileURLToPath(new URL('../../examples/shop-night/night.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'm3rec-night-'));
const data = generateMarkets({ seed: 1, users: 600, items: 300, interactions: 9000 });
let server: TestServer;
let client: pg.Client;

beforeAll(async () => {
  server = await startPostgres();
  client = new pg.Client({ connectionString: server.address });
  await client.connect();
  await client.query('create table orders (user_id text, item_id text, market text, ordered_at timestamptz)');
  for (const { name, users, train } of data.markets) {
    const rows = Array.from(train.users, (user, row) => [users[user], data.items[train.items[row]], name, row]);
    await client.query(
      "insert into orders select u, i, m, timestamptz '2024-01-01' + n * interval '1 minute' from unnest($1::text[], $2::text[], $3::text[], $4::int[]) as rows(u, i, m, n)",
      [0, 1, 2, 3].map((column) => rows.map((row) => row[column])),
    );
  }
}, 120_000);
afterAll(async () => {
  await client.end();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const night = (env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [script], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, DATABASE: server.address, ...env },
  });
const recommended = async () =>
  (await client.query('select market, user_id, rank, item_id, score from recommendations order by 1, 2, 3')).rows;

test('every user gets the best items that they have not ordered, and a second night replaces the first', async () => {
  const first = night();
  expect({ status: first.status, stderr: first.stderr }).toEqual({ status: 0, stderr: '' });
  expect(first.stdout).toMatch(
    /^NDCG@10 on \d+ last orders: \d+\.\d\d %, popularity \d+\.\d\d %\n\d+ recommendations for /,
  );
  expect(existsSync(join(folder, 'shop.m3rec'))).toBe(true);
  const rows = await recommended();
  const users = (await client.query('select count(distinct (market, user_id))::int as n from orders')).rows[0].n;
  expect(new Set(rows.map(({ market, user_id }) => `${market} ${user_id}`)).size).toBe(users);
  expect(rows.filter(({ rank }) => rank === 1)).toHaveLength(users);
  expect(Math.max(...rows.map(({ rank }) => rank))).toBe(10);
  const seen = await client.query(
    'select count(*)::int as n from recommendations join orders using (market, user_id, item_id)',
  );
  expect(seen.rows).toEqual([{ n: 0 }]);
  expect(night()).toMatchObject({ status: 0, stdout: first.stdout });
  expect(await recommended()).toEqual(rows);
});

test('a night that goes wrong leaves what was there', async () => {
  expect(night().status).toBe(0);
  const rows = await recommended();
  expect(rows.length).toBeGreaterThan(0);
  const failed = night({ ORDERS: 'select user_id, item_id, market, ordered_at from order' });
  expect(failed.status).not.toBe(0);
  expect(failed.stderr).toMatch(/PostgreSQL says: syntax error at or near "order"/);
  // Two items: whoever had one is recommended the other, by any model.
  const worthless = night({
    ORDERS:
      "select 'u' || u as user_id, case when (u + i) % 2 = 0 then 'a' else 'b' end as item_id, 'de' as market, timestamp '2024-01-01' + i * interval '1 day' as ordered_at from generate_series(1, 50) u, generate_series(0, 1) i",
  });
  expect(worthless).toMatchObject({ status: 1, stderr: expect.stringContaining('not better than popularity') });
  expect(await recommended()).toEqual(rows);
});
