// How often two items were bought by the same customer, in one market and in the others: the words of a reason.
import type { Markets } from '../../data/markets.ts';

/** Counts co-purchases; a market's lists of buyers are made when it is first asked for. */
export class Together {
  private readonly buyers = new Map<string, { indptr: Int32Array; users: Int32Array; position: Map<string, number> }>();

  constructor(private readonly markets: Markets) {}

  /** Customers who have both items: of the market, and of all others. */
  count(market: string, a: string, b: string): { here: number; elsewhere: number } {
    let here = 0;
    let elsewhere = 0;
    for (const { name } of this.markets.markets) {
      const both = this.both(name, a, b);
      if (name === market) here = both;
      else elsewhere += both;
    }
    return { here, elsewhere };
  }

  private both(market: string, a: string, b: string): number {
    const { indptr, users, position } = this.of(market);
    const [i, j] = [position.get(a), position.get(b)];
    if (i === undefined || j === undefined) return 0;
    let [p, q, both] = [indptr[i], indptr[j], 0];
    while (p < indptr[i + 1] && q < indptr[j + 1]) {
      const difference = users[p] - users[q];
      if (difference === 0) both++;
      if (difference <= 0) p++;
      if (difference >= 0) q++;
    }
    return both;
  }

  private of(name: string) {
    const known = this.buyers.get(name);
    if (known) return known;
    const { items, interactions } = this.markets.markets.find((market) => market.name === name)!;
    const indptr = new Int32Array(items.length + 1);
    for (const item of interactions.indices) indptr[item + 1]++;
    for (let i = 0; i < items.length; i++) indptr[i + 1] += indptr[i];
    const users = new Int32Array(interactions.indices.length);
    const next = indptr.slice();
    for (let user = 0; user < interactions.rows; user++)
      for (let e = interactions.indptr[user]; e < interactions.indptr[user + 1]; e++)
        users[next[interactions.indices[e]]++] = user;
    const position = new Map(Array.from(items, (item, i) => [this.markets.items[item], i]));
    const made = { indptr, users, position };
    this.buyers.set(name, made);
    return made;
  }
}
