// A fixed list of calls of the kernel module on fixed inputs, by address: what a host without JavaScript can run as
// well. Inputs are made from integers. Kernels whose signature is plain and stable stand for the rest.

const USERS = 90;
const ITEMS = 41;
const DIM = 20;
const SEED = 0xfedcba98;
const STAGE = 77;

/**
 * @param {number} base where its addresses start, a multiple of 64; what is there must be zero
 * @returns {{ base: number, bytes: number, inputs: { address: number, bytes: Uint8Array }[], outputs: { address:
 * number, bytes: number }[],
 *   calls: { kernel: string, args: number[], result?: { type: 'i32' | 'f32' | 'f64', address: number } }[] }}
 * What a call returns is stored at the address of its `result`, little-endian.
 */
export function kernelScript(base = 64) {
  let top = base;
  const inputs = [];
  const outputs = [];
  const calls = [];
  const space = (bytes) => {
    const address = top;
    top += Math.ceil(bytes / 64) * 64;
    return address;
  };
  const input = (array) => {
    const address = space(array.byteLength);
    inputs.push({ address, bytes: new Uint8Array(array.buffer, array.byteOffset, array.byteLength) });
    return address;
  };
  const output = (bytes) => {
    const address = space(bytes);
    outputs.push({ address, bytes });
    return address;
  };
  const call = (kernel, ...args) => calls.push({ kernel, args });
  const valued = (type, kernel, ...args) => calls.push({ kernel, args, result: { type, address: output(8) } });

  // random
  const uniform = (count, index) => {
    const address = output(4 * count);
    call('fillUniform', address, count, 1.5, SEED, STAGE, index);
    return address;
  };
  const order = input(Int32Array.from({ length: 257 }, (_, i) => i));
  call('shuffle', order, 257, SEED, STAGE, 1);
  outputs.push({ address: order, bytes: 4 * 257 });
  const exclude = input(Uint8Array.from({ length: ITEMS }, (_, i) => (i % 5 === 2 ? 1 : 0)));
  valued('i32', 'sampleDistinct', output(4 * ITEMS), ITEMS, exclude, 12, 5, STAGE, 9);

  // elementary functions, also at the ends of their ranges
  for (let i = -40; i <= 40; i++) valued('f64', 'exp', i * 1.0625 + i ** 3 / 4096);
  for (const x of [-800, 800, 709.75, -745, 1e-300]) valued('f64', 'exp', x);
  for (let i = 1; i <= 40; i++) valued('f64', 'log', i ** 5 / 1024);
  for (const x of [2 ** -1022, 1e300, 1]) valued('f64', 'log', x);
  for (let i = 1; i <= 20; i++) valued('f64', 'pow', i / 7, (10 - i) / 3);

  // products, at sizes that fill no tile
  const [m, n, k] = [37, 45, 29];
  const workspace = space(1 << 20);
  const a = uniform(m * k, 2);
  const b = uniform(k * n, 3);
  call('gemmNN', m, n, k, 0.75, a, k, b, n, uniform(m * n, 4), n, workspace);
  call('gemmNT', m, n, k, -1, a, k, uniform(n * k, 5), k, uniform(m * n, 6), n, workspace);
  call('gemmTN', m, n, k, 1, uniform(k * m, 7), m, b, n, uniform(m * n, 8), n, workspace);
  const size = 33;
  const positive = input(
    Float32Array.from(
      { length: size * size },
      (_, at) =>
        Math.imul(Math.min(at % size, Math.floor(at / size)) + 3, 7) / 16 +
        (at % size === Math.floor(at / size) ? 40 : 0),
    ),
  );
  valued('i32', 'choleskyInverse', size, positive, space(8 * size * (size + 1)));
  outputs.push({ address: positive, bytes: 4 * size * size });

  // a sparse X, its transpose, Gram matrix, walks
  const rows = makeRows();
  const indptr = running(rows.map((row) => row.length));
  const entries = indptr[USERS];
  const X = { indptr: input(indptr), indices: input(Int32Array.from(rows.flat())) };
  const Xt = { indptr: output(4 * (ITEMS + 1)), indices: output(4 * entries) };
  call('transposePattern', USERS, ITEMS, X.indptr, X.indices, Xt.indptr, Xt.indices);
  const scratch = space(12 * ITEMS);
  call('gramCount', ITEMS, X.indptr, X.indices, Xt.indptr, Xt.indices, scratch, output(4 * ITEMS));
  const neighbours = Array.from(
    { length: ITEMS },
    (_, i) => new Set(rows.filter((row) => row.includes(i)).flat()).size,
  );
  const gramIndptr = running(neighbours);
  const G = {
    indptr: input(gramIndptr),
    indices: output(4 * gramIndptr[ITEMS]),
    values: output(4 * gramIndptr[ITEMS]),
  };
  call('gramFill', ITEMS, X.indptr, X.indices, Xt.indptr, Xt.indices, scratch, G.indptr, G.indices, G.values);
  const sums = output(4 * entries);
  call('walkWeights', ITEMS, Xt.indptr, Xt.indices, X.indptr, sums);
  const walks = output(4 * ITEMS * 12);
  call(
    'walk',
    0,
    ITEMS,
    input(Int32Array.from({ length: ITEMS }, (_, i) => i)),
    12,
    input(Uint32Array.of(Xt.indptr, Xt.indices, sums, X.indptr, X.indices)),
    SEED,
    STAGE,
    walks,
  );
  const visits = output(4 * ITEMS);
  call('countVisits', ITEMS * 12, walks, visits);
  call('buildUnigramTable', ITEMS, visits, output(4 * ITEMS), output(4 * ITEMS), space(12 * ITEMS));

  // propagation, unit rows, scores
  call('normaliseRows', ITEMS, G.indptr, G.values);
  const V = uniform(ITEMS * DIM, 10);
  const panels = output(4 * ITEMS * 32);
  call('cutColumns', 0, ITEMS, ITEMS, 32, uniform(ITEMS * 32, 12), panels);
  const Y = output(4 * ITEMS * DIM);
  call('propagate', 0, ITEMS, G.indptr, G.indices, G.values, panels, Y, 4 * DIM, 1);
  // the second panel over all columns but the first four
  call('propagate', 0, ITEMS, G.indptr, G.indices, G.values, panels + 64 * ITEMS, Y + 16, 4 * DIM, 1);
  const unit = output(4 * ITEMS * DIM);
  call('unitRows', ITEMS, DIM, Y, unit, output(4 * ITEMS));
  valued('f32', 'dot', unit, Y, DIM);
  const history = input(Int32Array.of(2, 3, 11, 29, 40));
  const scores = output(4 * ITEMS);
  valued('i32', 'scoreLinear', scores, ITEMS, G.indptr, G.indices, G.values, history, 5, 0.4472135901451111);
  valued('i32', 'meanRows', output(4 * DIM), DIM, Y, history, 5, 0);
  valued('i32', 'topK', scores, ITEMS, exclude, 10, output(40), output(40));
  const cosines = output(4 * 5 * ITEMS);
  call('addCosines', cosines, 5, ITEMS, DIM, unit, V, space(4 * 5), 0.2, 1);

  // training steps
  const gradients = uniform(ITEMS * DIM, 11);
  call('dropout', ITEMS, DIM, gradients, 0.3, SEED, STAGE, visits);
  const moments = [output(4 * ITEMS * DIM), output(4 * ITEMS * DIM)];
  const adam = input(Float32Array.of(0.01, 0.9, 0.999, 1e-8));
  for (let step = 0; step < 3; step++) call('adam', ITEMS * DIM, V, gradients, ...moments, adam);
  // layers of networks, and the step over a graph
  const [samples, units] = [36, 16];
  const layer = output(4 * samples * units);
  call(
    'gemmNN',
    samples,
    units,
    DIM,
    1,
    uniform(samples * DIM, 13),
    DIM,
    uniform(DIM * units, 14),
    units,
    layer,
    units,
    workspace,
  );
  call('activate', samples, units, layer, uniform(units, 15), 1);
  const back = uniform(samples * units, 16);
  call('activateBackward', samples, units, layer, back, output(4 * units), 1);
  call('softmaxRows', samples, units, uniform(samples * units, 17));
  call('crossEntropy', samples, 4, uniform(samples, 18), 0.03125, output(4 * samples), output(16));
  const dropping = input(new Uint8Array(16));
  new DataView(inputs.at(-1).bytes.buffer).setFloat32(0, 0.3, true);
  for (const [word, value] of [SEED, STAGE, 5].entries())
    new DataView(inputs.at(-1).bytes.buffer).setUint32(4 + 4 * word, value, true);
  call('addDropped', samples, units, back, units, output(4 * samples * units), units, dropping);
  const hidden = output(4 * gramIndptr[ITEMS]);
  call('dropEdges', 0, gramIndptr[ITEMS], G.indices, G.values, hidden, dropping);
  const smooth = output(4 * ITEMS * 16);
  call('propagateOnto', 0, ITEMS, G.indptr, G.indices, hidden, panels, panels, smooth, 64, 0.25);
  return { base, bytes: top - base, inputs, outputs, calls };
}

/** Items of each user: 2 to 7, ascending, every item with a user. */
function makeRows() {
  let state = 12345;
  const below = (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % limit;
  };
  return Array.from({ length: USERS }, (_, user) => {
    const row = new Set([user % ITEMS]);
    const length = 2 + below(6);
    while (row.size < length) row.add(below(ITEMS));
    return [...row].sort((x, y) => x - y);
  });
}

function running(counts) {
  const sums = new Int32Array(counts.length + 1);
  for (const [i, count] of counts.entries()) sums[i + 1] = sums[i] + count;
  return sums;
}

/** Runs the script above what is in use of an instance's memory, and gives that back; returns the outputs. */
export function runKernelScript({ exports, memory }) {
  const mark = memory.mark();
  try {
    const script = kernelScript(memory.allocateZeroed(kernelScript().bytes));
    for (const { address, bytes } of script.inputs) memory.u8(address, bytes.length).set(bytes);
    for (const { kernel, args, result } of script.calls) {
      const value = exports[kernel](...args);
      if (result)
        new DataView(memory.memory.buffer)[{ i32: 'setInt32', f32: 'setFloat32', f64: 'setFloat64' }[result.type]](
          result.address,
          value,
          true,
        );
    }
    return readOutputs(script, memory.memory.buffer);
  } finally {
    memory.release(mark);
  }
}

/** The outputs after a run, one behind the other. */
export function readOutputs({ outputs }, buffer) {
  const all = new Uint8Array(outputs.reduce((sum, { bytes }) => sum + bytes, 0));
  let at = 0;
  for (const { address, bytes } of outputs) {
    all.set(new Uint8Array(buffer, address, bytes), at);
    at += bytes;
  }
  return all;
}
