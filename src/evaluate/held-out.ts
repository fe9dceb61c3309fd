import { type HeldOut, hasInteraction, isTrainingRow, type Market } from '../data/markets.ts';
import type { MarketModel, Model } from '../model/model.ts';

/** The held-out rows of a market that an evaluation ranks, and how many it leaves out. */
export interface RankedRows {
  rows: HeldOut[];
  /** Of each row the number of its user, from 0 in the order of the rows. */
  users: Int32Array;
  /** How many users there are. */
  userCount: number;
  /** Rows that are training rows of the data too; left out unless customers buy again. */
  leakedRows: number;
  /** Left out: rows that are no training rows of the data, but that the model was trained on. */
  trainedRows: number;
  /** Left out: rows that the file has more than once, but for the first. */
  repeatedRows: number;
}

/**
 * Sorts out the held-out rows of a market: an item that the model knows the user to have says nothing about the model.
 */
export function chooseRows(
  model: Model,
  known: MarketModel,
  market: Market,
  heldOut: string,
  repeat: boolean,
): RankedRows {
  const trainedOn = histories(model, known);
  const rows: HeldOut[] = [];
  const users: number[] = [];
  const numbers = new Map<string, number>();
  const itemsOf: Set<string>[] = [];
  const counts = { leakedRows: 0, trainedRows: 0, repeatedRows: 0 };
  for (const row of market.heldOut[heldOut]) {
    const leaked = isTrainingRow(market, row);
    if (leaked) counts.leakedRows++;
    else if (trainedOn(row)) counts.trainedRows++;
    if (leaked ? !repeat : trainedOn(row)) continue;
    let user = numbers.get(row.userId);
    if (user === undefined) {
      user = itemsOf.length;
      numbers.set(row.userId, user);
      itemsOf.push(new Set());
    }
    if (itemsOf[user].has(row.itemId)) {
      counts.repeatedRows++;
      continue;
    }
    itemsOf[user].add(row.itemId);
    rows.push(row);
    users.push(user);
  }
  return { rows, users: Int32Array.from(users), userCount: itemsOf.length, ...counts };
}

/** Whether the model's own histories hold a row: it may have been trained on other data than it is evaluated on. */
function histories(model: Model, { users, items, seenItems }: MarketModel): (row: HeldOut) => boolean {
  if (!users || !seenItems) return () => false;
  const userIndex = new Map(users.map((user, index) => [user, index]));
  const itemIndex = new Map(Array.from(items, (item, position) => [model.items[item], position]));
  return ({ userId, itemId }) => {
    const user = userIndex.get(userId);
    const item = itemIndex.get(itemId);
    return user !== undefined && item !== undefined && hasInteraction({ interactions: seenItems }, user, item);
  };
}
