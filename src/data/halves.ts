// Two halves of the users whose rows are held out: one to choose options by, the other to report.
import { ArgumentError } from '../common/errors.ts';
import { checkMarkets, type Markets } from './markets.ts';

/** The held-out files that `withHalves` makes. */
export type Half = 'tune' | 'report';

/** FNV-1a, 32 bits. */
function hash(bytes: Uint8Array): number {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

const encoder = new TextEncoder();

/** The half that a user is in: by a hash of the id alone, whatever the data's order. */
export const halfOf = (user: string): Half =>
  // from the hash's upper bits, since FNV's lowest bit is the parity of the bytes alone
  Math.imul(hash(encoder.encode(user)), 0x9e3779b1) >>> 31 === 0 ? 'tune' : 'report';

/**
 * The same markets with the rows of one held-out file parted into two, `tune` and `report`, by their users. The other
 * held-out files stay.
 *
 * @throws ArgumentError for what are no markets, and where no market has rows in the file, or one of the halves would
 * be empty.
 * @example
 * const halves = withHalves(markets, 'valid');
 * Object.keys(halves.markets[0].heldOut).sort(); // → ['report', 'test', 'tune']
 */
export function withHalves(markets: Markets, heldOut: string): Markets {
  checkMarkets(markets);
  const parted = markets.markets.map((market) => {
    const { [heldOut]: rows = [], ...others } = market.heldOut;
    const half = (name: Half) => rows.filter(({ userId }) => halfOf(userId) === name);
    return { ...market, heldOut: { ...others, tune: half('tune'), report: half('report') } };
  });
  for (const half of ['tune', 'report'] as const)
    if (!parted.some((market) => market.heldOut[half].length > 0))
      throw ArgumentError.because(
        'heldOut',
        `no row of ${JSON.stringify(heldOut)} is of the half "${half}" of the users; hold more rows out`,
      );
  return { ...markets, markets: parted };
}
