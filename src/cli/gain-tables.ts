// What `measureGain` found, as tables.
import type { Beside, Gain } from '../evaluate/gain.ts';
import { formatCount, formatPercent, formatTable } from './output.ts';

/** A table and what it shows. */
export interface Titled {
  title: string;
  table: string;
}

/** Alone beside all, by the share of users if some were taken, and what leaving a market out changes. */
export const gainTables = (gain: Gain): Titled[] => [besideTable(gain), ...curveTable(gain), withoutTable(gain)];

const three = ({ mrr, ndcg, hr }: Beside['alone']) => [mrr, ndcg, hr].map((value) => formatPercent(value)).join('/');
const points = (difference: number) => `${difference < 0 ? '' : '+'}${formatPercent(difference)}`;

/** The cells of one comparison: both, and the difference of MRR. */
const cells = ({ alone, together, differences: { mrr } }: Beside) => [
  three(alone),
  three(together),
  `${points(mrr.difference)} ± ${formatPercent(mrr.standardError)}`,
  alone.mrr === 0 ? '' : `${points(mrr.difference / alone.mrr)}`,
];
const BESIDE = ['alone', 'with the others', 'MRR, points', 'MRR, %'];

function besideTable({ markets }: Gain): Titled {
  const table = markets.map((market) => [
    market.market,
    formatCount(market.users),
    formatCount(market.rows),
    ...cells(market),
  ]);
  return {
    title: 'Each market alone beside all together, MRR/NDCG/HR at 10 in %',
    table: formatTable(['market', 'users', 'rows', ...BESIDE], table),
  };
}

function curveTable({ markets }: Gain): Titled[] {
  const table = markets.flatMap(({ market, curve }) =>
    curve
      .slice(0, -1)
      .map((point) => [market, formatPercent(point.share, 0), formatCount(point.users), ...cells(point)]),
  );
  if (table.length === 0) return [];
  const title = 'With a share of the market’s users, the other markets whole';
  return [{ title, table: formatTable(['market', 'share %', 'users', ...BESIDE], table) }];
}

function withoutTable({ markets }: Gain): Titled {
  const sources = [...new Set(markets.flatMap(({ without }) => without.map(({ source }) => source)))].sort();
  const table = sources.map((source) => [
    source,
    ...markets.map(({ without }) => {
      const found = without.find((each) => each.source === source);
      return found ? `${points(found.difference)} ± ${formatPercent(found.standardError)}` : '';
    }),
  ]);
  return {
    title: 'What leaving a market out (row) changes in the others (column), MRR in points',
    table: formatTable(['without', ...markets.map(({ market }) => market)], table),
  };
}
