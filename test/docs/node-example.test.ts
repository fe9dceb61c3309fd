// examples/node reads, trains, evaluates, saves and serves; its answers are those of the model that it saved.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createHandler } from '../../src/index.ts';

test('the example in Node', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-node-example-'));
  const main = fileURLToPath(new URL('../../examples/node/main.mjs', import.meta.url));
  const child = spawn(process.execPath, [main, 'shop'], { cwd: folder, env: { ...process.env, PORT: '0' } });
  try {
    let output = '';
    const url = await new Promise<URL>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text;
          const found = /ask (http:\S+)/.exec(output);
          if (found) resolve(new URL(found[1]));
        });
      child.once('exit', (code) => reject(new Error(`ended with ${code}: ${output}`)));
    });
    expect(output).toMatch(/^MRR \d+\.\d\d %, NDCG \d+\.\d\d %$/m);
    const handler = createHandler(new Uint8Array(readFileSync(join(folder, 'shop.m3rec'))));
    const query = {
      method: 'POST',
      body: '{"items":["P1000001"],"k":3}',
      headers: { 'content-type': 'application/json' },
    };
    for (const init of [{}, query]) {
      const target = new URL(init === query ? url.pathname : url.href, url);
      const answer = await fetch(target, init);
      const expected = await handler(new Request(target, init));
      expect(answer.status).toBe(200);
      expect(await answer.text()).toBe(await expected.text());
    }
  } finally {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});
