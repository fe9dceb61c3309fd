// The scorer of networks: the logit of every item, one user at a time, by blocks of items. It answers for users that the
// network was trained on; nobody else has an embedding.
import { type Address, NOWHERE, plus } from '../../engine/address.ts';
import type { Arena, Region } from '../../engine/memory.ts';
import { ranges } from '../../engine/tasks.ts';
import type { Call, Kernels } from '../../engine/types.ts';
import type { Model } from '../../model/model.ts';
import type { Evidence, History, Pending, Scorer } from '../../recommend/scorer.ts';
import { arraysOf, inputsOf, type Network } from './network.ts';
import { Parameters } from './parameters.ts';
import { Scratch } from './room.ts';
import { Tape } from './tape.ts';

/** Items that are scored together: their activations stay below a few MB. */
const BLOCK = 512;

/** @throws MemoryError if the network does not fit. */
export function networkScorer(model: Model, network: Network, kernels: Kernels): Scorer {
  const region = kernels.memory.region();
  try {
    return new NetworkScorer(model, network, kernels, region);
  } catch (error) {
    region.free();
    throw error;
  }
}

class NetworkScorer implements Scorer {
  readonly foldsIn = false;
  readonly refusal: string;
  private readonly parameters: Parameters;
  private readonly markets: { items: Int32Array; firstUser: number }[];
  private readonly scratchBytes: number;
  /** Multiplications of a score. */
  private readonly perItem: number;

  constructor(
    model: Model,
    private readonly network: Network,
    private readonly kernels: Kernels,
    private readonly region: Region,
  ) {
    const { memory } = kernels;
    this.refusal = `a ${model.kind} model has learned an embedding for each of its own users, and has none for anybody else`;
    this.parameters = new Parameters(arraysOf(network), region);
    memory.f32(this.parameters.at, this.parameters.size).set(model.parameters!);
    let firstUser = 0;
    this.markets = model.markets.map(({ items, users }) => {
      const market = { items, firstUser };
      firstUser += users!.length;
      return market;
    });
    const scratch = new Scratch(memory, NOWHERE);
    const calls = this.markets.map((_, market) => {
      scratch.reset();
      return this.tape({ rows: BLOCK, market, users: NOWHERE, items: NOWHERE }, NOWHERE, scratch, NOWHERE);
    });
    this.scratchBytes = scratch.most;
    const products = (calls[0] ?? []).map(([name, ...args]) =>
      name === 'gemmNN' ? Number(args[0]) * Number(args[1]) * Number(args[2]) : 0,
    );
    this.perItem = products.reduce((sum, product) => sum + product, 0) / BLOCK;
  }

  close(): void {
    this.region.free();
  }

  score(market: number, histories: readonly History[], out: Address, scratch: Arena): Pending<Evidence[]> {
    const { items } = this.markets[market];
    const calls = histories.flatMap(({ user }, i) =>
      // an empty history may come without a user; then popularity answers
      user < 0 ? [] : this.callsOf(market, user, items, plus(out, 4 * items.length * i), scratch),
    );
    return { calls, read: () => histories.map(({ user }) => ({ informed: user >= 0 })) };
  }

  scoreItems(market: number, { user }: History, positions: Int32Array, out: Address, scratch: Arena): Call[] {
    const { items } = this.markets[market];
    return this.callsOf(
      market,
      user,
      positions.map((position) => items[position]),
      out,
      scratch,
    );
  }

  cost(market: number): number {
    return this.perItem * this.markets[market].items.length;
  }

  /** Calls that score rows of the tables of items for a user. */
  private callsOf(market: number, user: number, items: Int32Array, out: Address, scratch: Arena): Call[] {
    const { exports, memory } = this.kernels;
    const row = this.markets[market].firstUser + user;
    const users = scratch.put(new Int32Array(Math.min(BLOCK, items.length)).fill(row));
    const rows = scratch.put(items);
    const room = new Scratch(memory, scratch.allocate(this.scratchBytes));
    const workspace = scratch.allocate(exports.gemmWorkspaceBytes());
    return ranges(items.length, BLOCK).flatMap(([from, to]) => {
      room.reset();
      const samples = { rows: to - from, market, users, items: plus(rows, 4 * from) };
      return this.tape(samples, plus(out, 4 * from), room, workspace);
    });
  }

  private tape(samples: Tape['samples'], out: Address, scratch: Scratch, workspace: Address): Call[] {
    const room = { address: (name: string) => this.parameters.address(name), scratch, workspace };
    const tape = new Tape(samples, inputsOf(this.network), room);
    this.network.logits(tape, out);
    return tape.calls;
  }
}
