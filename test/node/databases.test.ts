// Rows of databases: a PostgreSQL server of the test's own, and DuckDB.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DataError } from '../../src/common/errors.ts';
import type { Progress } from '../../src/common/job.ts';
import { readItems } from '../../src/data/items.ts';
import { readMarkets } from '../../src/data/read-markets.ts';
import { databaseError, databaseOf, optional } from '../../src/node/databases.ts';
import { readDirectory } from '../../src/node/directory.ts';
import { queryRows } from '../../src/node/query-rows.ts';
import { commandIn } from '../support/command.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-databases-'));
const { run } = commandIn(folder);
let server: TestServer;
let admin: pg.Client;

beforeAll(async () => {
  server = await startPostgres();
  admin = new pg.Client({ connectionString: server.address });
  await admin.connect();
  await admin.query(`
    create table orders (id serial, customer text, sku text, country text, stars numeric, ordered_at timestamptz);
    insert into orders (customer, sku, country, stars, ordered_at)
      select 'u' || i % 97, case when i % 31 = 0 then 'Größe "4,5"' else 'p' || i % 31 end,
             case when i % 3 = 0 then 'de' else 'fr' end, i % 6, timestamptz '2024-01-01 00:00+02' + i * interval '1 minute'
      from generate_series(1, 12345) i;
    insert into orders (customer, sku, country) values (null, 'p1', 'de'), (' padded ', 'p2', 'de');
  `);
}, 120_000);
afterAll(async () => {
  await admin.end();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const QUERY = 'select customer as user_id, sku, country, ordered_at, stars from orders order by id;';

/** The same table as text. */
async function csvOfOrders(): Promise<string> {
  const { rows } = await admin.query({
    text: 'select customer, sku, country, extract(epoch from ordered_at)::bigint, stars from orders order by id',
    rowMode: 'array',
  });
  const field = (value: unknown) => (value === null ? '' : `"${String(value).replaceAll('"', '""')}"`);
  return `userId,itemId,country,time,stars\n${rows.map((row) => row.map(field).join(',')).join('\n')}\n`;
}

describe('PostgreSQL', () => {
  test('a query gives what the same rows in a file give, filters and times too', async () => {
    writeFileSync(join(folder, 'orders.csv'), await csvOfOrders());
    const options = {
      times: true,
      minRating: 2,
      since: '2024-01-02',
      where: ['sku!=p3'],
      columns: { rating: 'stars' },
    };
    const warnings: string[] = [];
    const found = await readDirectory(server.address, {
      ...options,
      query: QUERY,
      onWarning: ({ message }) => warnings.push(message),
    });
    const fromFile = await readDirectory(join(folder, 'orders.csv'), { ...options, where: ['itemId!=p3'] });
    expect(found).toEqual(fromFile);
    expect(found.items).toContain('Größe "4,5"');
    // The row without a customer lacks a time and a rating too; a rating is what it is asked for first.
    expect(warnings.join('\n')).toMatch(/rows? without a user left out, the first at line 12346/);
  });

  test('rows come by a cursor, some thousand at a time, and progress is in rows', async () => {
    const { batches, close, names } = await queryRows(server.address, QUERY).open();
    const sizes: number[] = [];
    for await (const batch of batches) sizes.push(batch.length);
    await close();
    expect(names).toEqual(['user_id', 'sku', 'country', 'ordered_at', 'stars']);
    expect(sizes).toEqual([5000, 5000, 2347]);
    const progress: Progress[] = [];
    await readDirectory(server.address, { query: QUERY, onProgress: (report) => progress.push(report) });
    const read = progress.filter(({ id }) => id === 'read');
    expect(read.map(({ done, total }) => [done, total])).toEqual([
      [5000, 0],
      [10000, 0],
      [12347, 0],
    ]);
    expect(read[0].stage).toMatch(/^read rows of postgres:\/\/127\.0\.0\.1:\d+\/postgres$/);
  });

  test('held-out rows have queries of their own; one market is named after the database', async () => {
    const { markets } = await readDirectory(server.address, {
      query: "select customer as user_id, sku from orders where customer like 'u%' and id % 5 > 0",
      validQuery: "select customer as user_id, sku from orders where customer like 'u%' and id % 5 = 0 limit 7",
    });
    expect(markets.map(({ name, heldOut }) => [name, heldOut.valid.length])).toEqual([['postgres', 7]]);
  });

  test('a query that changes data does not: the transaction is read-only', async () => {
    await admin.query('create table kept (user_id text, item_id text)');
    await admin.query("insert into kept values ('u', 'p')");
    for (const query of [
      'delete from kept returning *',
      'select * from kept; delete from kept',
      "select user_id, item_id, nextval('orders_id_seq') as rating from kept",
    ]) {
      const error = await readDirectory(server.address, { query }).catch((each) => each as DataError);
      expect(String(error)).toMatch(/PostgreSQL says: .*(syntax error|read-only)/);
    }
    expect((await admin.query('select count(*)::int as n from kept')).rows).toEqual([{ n: 1 }]);
  });

  test('what goes wrong is one line that names the database without its password', async () => {
    const at = (name: string) => server.address.replace('shop@', 'shop:secret@').replace('/postgres', `/${name}`);
    const messages = async (address: string, query: string) =>
      String(
        await readDirectory(address, { query }).then(
          () => 'read',
          (error: Error) => error.message,
        ),
      );
    const found = await Promise.all([
      messages(at('postgres'), 'select * from nothing'),
      messages(at('postgres'), 'selec 1'),
      messages(at('nowhere'), 'select 1'),
      messages('postgres://shop:secret@127.0.0.1:1/shop', 'select 1'),
      messages(at('postgres'), 'select 1 as one'),
      messages(at('postgres'), "select 1/(2 - i) as user_id, 'p' as item_id from generate_series(1, 3) i"),
    ]);
    for (const message of found) {
      expect(message).toMatch(/^postgres:\/\/127\.0\.0\.1:\d+\/\w+/);
      expect(message).not.toMatch(/secret|\n/);
    }
    expect(found.map((message) => message.replace(/^.*?: /, ''))).toEqual([
      'PostgreSQL says: relation "nothing" does not exist (42P01)',
      'PostgreSQL says: syntax error at or near "selec" (42601)',
      'PostgreSQL says: database "nowhere" does not exist (3D000)',
      'no server takes connections at 127.0.0.1:1 (ECONNREFUSED); check the address',
      expect.stringMatching(/no column userId, itemId; the header has "one"/),
      'PostgreSQL says: division by zero (22012)',
    ]);
  });

  test('a connection that breaks is one line, with the rows that came, and leaves no file', async () => {
    // A proxy that hangs up after the first rows.
    const port = Number(new URL(server.address).port);
    const proxy = createServer((client) => {
      const upstream = new (client.constructor as new () => typeof client)();
      let bytes = 0;
      upstream.connect(port, '127.0.0.1');
      client.pipe(upstream);
      upstream.on('data', (piece) => {
        bytes += piece.length;
        client.write(piece);
        if (bytes > 500_000) {
          client.destroy();
          upstream.destroy();
        }
      });
      for (const socket of [client, upstream]) socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port: proxied } = proxy.address() as { port: number };
    const address = server.address.replace(String(port), String(proxied));
    const outcome = await run('train', address, '--query', QUERY, '-o', 'broken.m3rec');
    proxy.close();
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toMatch(
      /^m3rec: postgres:[^\n]* rows of a database[^\n]*\nm3rec: postgres:\S+: the connection broke after 5000 rows \([^\n]*\): run it again\n$/,
    );
    await expect(readMarkets([{ split: 'train', name: 'x', source: queryRows(address, QUERY) }])).rejects.toThrow(
      /no server takes connections/,
    );
  });

  test('a server that ends the connection says so', async () => {
    const source = queryRows(
      server.address,
      'select i::text as user_id, i::text as item_id from generate_series(1, 50000) i',
    );
    const { batches, close } = await source.open();
    const read = async () => {
      for await (const batch of batches)
        if (batch.length > 0)
          await admin.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'm3rec' and pid <> pg_backend_pid()",
          );
    };
    await expect(read()).rejects.toThrow(/the connection broke after \d+ rows \(.*\): run it again/);
    await close();
  });

  test('a signal stops a query that is waited for, and closes the connection', async () => {
    const controller = new AbortController();
    const reading = readDirectory(server.address, {
      query: "select 'u' as user_id, 'p' as item_id from pg_sleep(60)",
      signal: controller.signal,
    });
    const open = async () =>
      (
        await admin.query(
          "select count(*)::int as n from pg_stat_activity where query like 'fetch%' and application_name = 'm3rec'",
        )
      ).rows[0].n;
    while ((await open()) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort();
    await expect(reading).rejects.toThrow(/reading postgres:.* was stopped at row 0/);
  });

  test('commands read it: stats, split, train, evaluate, update', async () => {
    const query = [
      '--query',
      "select customer as user_id, sku, country, ordered_at from orders where customer like 'u%'",
    ];
    const stats = await run('stats', server.address, ...query, '--json');
    expect(JSON.parse(stats.stdout).merged.rowsRead).toBe(12345);
    expect(await run('split', server.address, ...query, '-o', 'split', '--last')).toMatchObject({ code: 0 });
    expect(
      await run('train', server.address, ...query, '-o', 'pg.m3rec', '--model', 'ease', '--updatable'),
    ).toMatchObject({ code: 0 });
    expect(await run('update', 'pg.m3rec', '--data', server.address, ...query, '-o', 'pg2.m3rec')).toMatchObject({
      code: 0,
    });
    const held = [
      '--valid-query',
      "select customer as user_id, sku, country from orders where id % 50 = 0 and customer like 'u%'",
    ];
    const evaluated = await run(
      'evaluate',
      'pg.m3rec',
      '--data',
      server.address,
      ...query,
      ...held,
      '--repeat',
      '--json',
    );
    expect(JSON.parse(evaluated.stdout).markets).toHaveLength(2);
    expect(await run('stats', server.address, ...query, '--write-config')).toMatchObject({ code: 2 });
  });
});

describe('DuckDB', () => {
  test('SQL over files gives what the files give', async () => {
    writeFileSync(
      join(folder, 'some.csv'),
      'customer,sku,day,country\nu1,p1,2024-01-05,de\nu2,p1,2024-02-01,fr\nu1,p2,,de\n',
    );
    const query = `select customer, sku, day::timestamp as time, country from '${join(folder, 'some.csv').replaceAll("'", "''")}' -- all`;
    const found = await readDirectory('duckdb:', { query });
    const { markets } = await readDirectory(join(folder, 'some.csv'));
    expect(found.markets).toEqual(markets);
    const timed = await readDirectory('duckdb:', { query, times: true });
    expect(Array.from(timed.markets[0].times!)).toEqual([Date.UTC(2024, 0, 5)]);
  });

  test('a database file is read, and not written', async () => {
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const file = join(folder, 'shop.duckdb');
    const instance = await DuckDBInstance.create(file);
    const connection = await instance.connect();
    await connection.run(
      "create table orders as select 'u' || i % 50 as user_id, 'p' || i % 7 as item_id from range(10000) t(i)",
    );
    connection.closeSync();
    instance.closeSync();
    for (const path of [file, `duckdb:${file}`]) {
      const { markets } = await readDirectory(path, { query: 'from orders' });
      expect([markets[0].name, markets[0].users.length]).toEqual(['shop', 50]);
    }
    const { batches, close } = await queryRows(file, 'from orders').open();
    for await (const batch of batches) expect(batch.length).toBeLessThanOrEqual(2048);
    await close();
    await expect(readDirectory(file, { query: 'select * from nothing' })).rejects.toThrow(
      /shop\.duckdb: DuckDB says: .*nothing/,
    );
    await expect(readDirectory(join(folder, 'none.duckdb'), { query: 'select 1' })).rejects.toThrow(/does not exist/);
    await expect(readDirectory('duckdb:', { query: 'drop table x' })).rejects.toThrow(/DuckDB says: .*syntax error/);
  });

  test('items are read from it too', async () => {
    const query = "select 'p1' as sku, 'Red shoe' as title union all select 'p2', null";
    const items = await readItems(queryRows('duckdb:', query), 'items');
    expect([...items]).toEqual(
      expect.arrayContaining([
        ['p1', { title: 'Red shoe' }],
        ['p2', {}],
      ]),
    );
  });
});

test('without the package the message says how to install it', async () => {
  await expect(optional('no-such-package', 'reading this')).rejects.toThrow(
    'reading this needs the package no-such-package: npm install no-such-package',
  );
});

test('addresses, and what is no database', async () => {
  expect(databaseOf('postgresql://me:pw@db.example:5433/shop?sslmode=require')?.name).toBe(
    'postgresql://db.example:5433/shop',
  );
  expect(databaseOf('postgres:///shop')?.name).toBe('postgres:///shop');
  expect(databaseOf('shop.csv')).toBeUndefined();
  await expect(readDirectory(folder, { query: 'select 1' })).rejects.toThrow(/query: asks a database/);
  await expect(readDirectory(['duckdb:', folder], { query: 'select 1' })).rejects.toThrow(/expected a database alone/);
  await expect(readDirectory('duckdb:')).rejects.toThrow(/query: say which rows of DuckDB: --query/);
  expect(() => queryRows('shop.csv', 'select 1')).toThrow(/address: found "shop.csv"/);
  const refused = databaseError(
    { kind: 'PostgreSQL', name: 'x', address: 'x' },
    Object.assign(new Error(''), { errors: [Object.assign(new Error('a'), { code: 'ECONNREFUSED' })] }),
    0,
  );
  expect(refused.message).toBe('x: no server takes connections (ECONNREFUSED); check the address');
});
