// The contract in a host that runs scripts (Node, Deno, Bun): node script.mjs FOLDER, the folder of the inputs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import * as m3rec from 'm3rec';
import { contract } from './contract.mjs';

const folder = process.argv[2];
const isNode = !process.versions.deno && !process.versions.bun;
const workers = isNode ? (await import('m3rec/node')).nodeWorkers : (await import('m3rec/workers')).webWorkers();
const inputs = {
  model: new Uint8Array(readFileSync(join(folder, 'model.m3rec'))),
  run: readFileSync(join(folder, 'run.tsv'), 'utf8'),
  workers,
};
let stage = 'start';
try {
  const result = await contract(m3rec, inputs, (name) => {
    stage = name;
  });
  console.log(JSON.stringify(result));
} catch (error) {
  console.log(JSON.stringify({ error: `${stage}: ${error.message}` }));
}
