// One network on some samples in linear memory: its logits, its loss and its gradients, for the tests.
import { plus } from '../../../src/engine/address.ts';
import { runTask } from '../../../src/engine/tasks.ts';
import type { Kernels } from '../../../src/engine/types.ts';
import { arraysOf, inputsOf, type Network } from '../../../src/models/network/network.ts';
import { Parameters } from '../../../src/models/network/parameters.ts';
import { Tape } from '../../../src/models/network/tape.ts';
import type { Arrays } from './reference.ts';

export interface TestSamples {
  market: number;
  users: readonly number[];
  items: readonly number[];
  /** Samples of an interaction. */
  each: number;
}

/** Numbers that are exact in f32 for every array of the network. */
export function startOf(kernels: Kernels, network: Network, seed = 3): Arrays {
  const { memory } = kernels;
  const mark = memory.mark();
  const parameters = new Parameters(arraysOf(network), memory);
  parameters.initialise(kernels, seed);
  const arrays = Object.fromEntries(
    parameters.arrays.map(({ name, rows, cols }) => [
      name,
      Float64Array.from(memory.f32(parameters.address(name), rows * cols)),
    ]),
  );
  memory.release(mark);
  return arrays;
}

/** What the kernels make of these numbers. Gradients of tables are those of their rows. */
export function runNetwork(kernels: Kernels, network: Network, arrays: Arrays, samples: TestSamples) {
  const { exports, memory } = kernels;
  const { users, items, each, market } = samples;
  const rows = users.length;
  const mark = memory.mark();
  try {
    const parameters = new Parameters(arraysOf(network), memory);
    const gradients = memory.allocateZeroed(4 * parameters.size);
    for (const [name, values] of Object.entries(arrays))
      memory.f32(parameters.address(name), values.length).set(values);
    const inputs = inputsOf(network);
    const inputGradients = inputs.map((tables) =>
      memory.allocate(4 * rows * tables.reduce((sum, { cols }) => sum + cols, 0)),
    );
    const totals = memory.allocateZeroed(16);
    const gradientOf = (name: string) => plus(gradients, 4 * parameters.offset(name));
    const tape = new Tape(
      {
        rows,
        market,
        users: memory.put(Int32Array.from(users)),
        items: memory.put(Int32Array.from(items)),
      },
      inputs,
      {
        address: (name) => parameters.address(name),
        scratch: memory,
        workspace: memory.allocate(exports.gemmWorkspaceBytes()),
      },
      {
        gradientOf,
        inputGradient: (input) => inputGradients[input],
        each,
        scale: 1 / rows,
        dropout: 0,
        seed: 1,
        first: 0,
        totals,
        structs: memory,
      },
    );
    const z = network.logits(tape);
    runTask(exports, tape.all());
    const found: Record<string, Float32Array> = {};
    for (const { name, rows: r, cols } of network.layers) found[name] = memory.f32(gradientOf(name), r * cols).slice();
    for (const [input, tables] of inputs.entries()) {
      const ld = tables.reduce((sum, { cols }) => sum + cols, 0);
      let column = 0;
      for (const { name, of, cols } of tables) {
        const table = new Float32Array(arrays[name].length);
        const all = memory.f32(inputGradients[input], rows * ld);
        for (const [r, row] of (of === 'user' ? users : items).entries())
          for (let c = 0; c < cols; c++) table[row * cols + c] += all[r * ld + column + c];
        found[name] = table;
        column += cols;
      }
    }
    const [sum, count] = memory.f64(totals, 2);
    return { logits: memory.f32(z.at, rows).slice(), loss: sum / count, gradients: found };
  } finally {
    memory.release(mark);
  }
}
