import { ArgumentError } from '../common/errors.ts';
import type { MarketModel, Model } from '../model/model.ts';
import { IdIndex } from './id-index.ts';

/** A market of a loaded model, its ids indexed. */
export class KnownMarket {
  /** Number of items. */
  readonly n: number;
  /** Position of each item. */
  readonly itemIndex: ReadonlyMap<string, number>;
  readonly userIndex: ReadonlyMap<string, number>;

  constructor(
    /** The ids of all items in the model. */
    private readonly items: readonly string[],
    /** Its number in the model. */
    readonly number: number,
    readonly model: MarketModel,
  ) {
    this.n = model.items.length;
    const itemIndex = new IdIndex();
    for (const [position, item] of model.items.entries()) itemIndex.set(items[item], position);
    this.itemIndex = itemIndex;
    this.userIndex = new IdIndex(model.users?.map((user, index) => [user, index]));
  }

  /** The id of the item at a position. */
  itemId(position: number): string {
    return this.items[this.model.items[position]];
  }

  /** The positions of the ids that the market knows; others are left out. */
  positionsOf(ids: readonly string[]): number[] {
    return ids.map((id) => this.itemIndex.get(id)).filter((position) => position !== undefined);
  }
}

/** The markets of a loaded model, by name. */
export class KnownMarkets {
  private readonly markets: ReadonlyMap<string, KnownMarket>;

  constructor(model: Model) {
    this.markets = new Map(
      model.markets.map((market, number) => [market.name, new KnownMarket(model.items, number, market)]),
    );
  }

  /** In the model's order. */
  get names(): string[] {
    return [...this.markets.keys()];
  }

  /** @throws ArgumentError for a name that the model does not have. */
  named(name: unknown): KnownMarket {
    const market = typeof name === 'string' ? this.markets.get(name) : undefined;
    if (!market)
      throw new ArgumentError('market', name, `one of ${this.names.map((known) => JSON.stringify(known)).join(', ')}`);
    return market;
  }
}
