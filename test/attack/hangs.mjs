// Connections that hang in every way, hundreds at once: the service goes on answering, and lets them go when it stops.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assembleGenerated, encodeModel, generateMarkets, train } from '../../dist/index.js';

export const about =
  '300 connections at once that say nothing, half a request line, headers without an end, half a body, a byte at a time, or never read their answers: 40 requests meanwhile are answered, and SIGTERM ends the service in the time that --drain gives';
export const rounds = 8;
const CONNECTIONS = 300;
const DRAIN = 1;
/** Long, so that a busy machine is no failure; the longest wait is reported. */
const WAIT_MS = 30_000;
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const POST = 'POST /v1/de/recommend HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';

/** What a connection sends at first, and, where it goes on, with which byte. */
const WAYS = {
  'says nothing': [''],
  'half a request line': ['GET /v1/de/reco'],
  'headers without an end': ['GET /health HTTP/1.1\r\nhost: localhost\r\nx-a: 1\r\n'],
  'half a body': [`${POST}content-length: 100\r\n\r\n{"items":`],
  'a chunk without an end': [`${POST}transfer-encoding: chunked\r\n\r\nffff\r\n{"items":`],
  'a byte at a time': ['GET /', 'x'],
  'never reads': ['GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(8)],
  'leaves in the middle': [`${POST}content-length: 20\r\n\r\n{`, null],
};

export async function prepare({ folder }) {
  const markets = assembleGenerated(generateMarkets({ seed: 1, users: 300, items: 200, interactions: 2400 }));
  writeFileSync(join(folder, 'm.m3rec'), encodeModel(await train(markets, { model: 'ease' })));
}

export async function attack({ round, random, found, count, folder }) {
  const child = spawn(process.execPath, [CLI, 'serve', 'm.m3rec', '--port', '0', '--drain', String(DRAIN)], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = new Promise((resolve) => child.once('close', (code) => resolve(code)));
  const port = await new Promise((resolve, reject) => {
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (piece) => {
      text += piece;
      const match = /at http:\/\/127\.0\.0\.1:(\d+)/.exec(text);
      if (match) resolve(Number(match[1]));
    });
    closed.then(() => reject(new Error(text)));
  });
  const names = Object.keys(WAYS);
  const sockets = [];
  for (let c = 0; c < CONNECTIONS; c++) {
    const [first, then] = WAYS[names[random.below(names.length)]];
    const socket = connect(port, '127.0.0.1', () => {
      if (first) socket.write(first);
      if (then === null) socket.destroy();
    });
    socket.on('error', () => {}).pause();
    if (then) socket.timer = setInterval(() => socket.writable && socket.write(then), 50 + random.below(200));
    sockets.push(socket);
    count('connections');
  }
  try {
    for (let r = 0; r < 40; r++) {
      const asked = performance.now();
      const response = await fetch(`http://127.0.0.1:${port}/v1/de/recommend?items=P1000001&k=3`, {
        signal: AbortSignal.timeout(WAIT_MS),
      }).catch((error) => error);
      if (response.status !== 200) found.push(`round ${round}: a request next to them: ${response.status ?? response}`);
      else await response.json();
      count('requests answered next to them');
      count.most('longest of them, s', Math.round((performance.now() - asked) / 100) / 10);
    }
    const asked = performance.now();
    child.kill('SIGTERM');
    const code = await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 15_000, 'late'))]);
    const seconds = (performance.now() - asked) / 1000;
    count.most('longest stop, s', Math.round(seconds * 10) / 10);
    // 130: what did not end by itself was ended by force, as promised
    if (code !== 0 && code !== 130) found.push(`round ${round}: stopped with ${code} after ${seconds.toFixed(1)} s`);
  } finally {
    child.kill('SIGKILL');
    for (const socket of sockets) {
      clearInterval(socket.timer);
      socket.destroy();
    }
  }
}
