// The contract in Vercel's edge-runtime; the kernels come from outside, as a module of another realm.
import * as m3rec from 'm3rec';
import { contract } from '../contract.mjs';

addEventListener('fetch', (event) => {
  const { model, run, kernels } = globalThis.inputs;
  let stage = 'start';
  const answer = contract(m3rec, { model, run, kernels }, (name) => {
    stage = name;
  }).then(
    (result) => Response.json(result),
    (error) => Response.json({ error: `${stage}: ${error.message}` }),
  );
  event.respondWith(answer);
});
