// The curves of `measureGain` as a drawing: users of a market in training, and MRR alone and with the other markets.
import { ln } from '../common/elementary.ts';
import { ArgumentError, checkArray, checkObject } from '../common/errors.ts';
import { niceStep, quoted, tenth, text } from '../common/svg.ts';
import type { Gain, MarketGain } from './gain.ts';

const WIDTH = 250;
const HEIGHT = 190;
const COLUMNS = 3;
const LEFT = 46;
const RIGHT = 14;
const TOP = 34;
const BOTTOM = 34;
const HEAD = 52;
const TOGETHER = '#1f6fb4';
const ALONE = '#c2703d';

/**
 * A picture (SVG) with a panel for each market: its users in training, on a logarithmic axis, and the MRR in % of a model trained on the
 * market alone and with the others.
 *
 * @throws ArgumentError for what `measureGain` did not make.
 * @example
 * const gain = await measureGain(markets, { shares: [0.1] });
 * drawGain(gain).startsWith('<svg '); // → true
 */
export function drawGain(gain: Gain): string {
  const panels = checkArray('gain.markets', (checkObject('gain', gain) as unknown as Gain).markets) as MarketGain[];
  if (panels.length === 0) throw ArgumentError.because('gain', 'it has no market');
  const columns = Math.min(COLUMNS, panels.length);
  const rows = Math.ceil(panels.length / columns);
  const [width, height] = [columns * WIDTH, HEAD + rows * HEIGHT];
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img">`,
    '<title>MRR by the users of a market in training, alone and with the other markets</title>',
    '<desc>m3rec gain</desc>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(16, 22, 'MRR, %, by the users of the market in training', 'font-size="14" font-weight="600" fill="#111"'),
    ...legend(16, 40, TOGETHER, 'with the other markets'),
    ...legend(180, 40, ALONE, 'alone'),
  ];
  for (const [i, panel] of panels.entries())
    lines.push(...drawPanel(panel, (i % columns) * WIDTH, HEAD + Math.floor(i / columns) * HEIGHT));
  return `${[...lines, '</svg>'].join('\n')}\n`;
}

function drawPanel({ market, curve }: MarketGain, left: number, top: number): string[] {
  const users = curve.map((point) => Math.max(1, point.users));
  const values = curve.flatMap(({ alone, together }) => [100 * alone.mrr, 100 * together.mrr]);
  const step = niceStep(values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b)));
  const low = step * Math.floor(values.reduce((a, b) => Math.min(a, b)) / step);
  const high = step * Math.ceil(values.reduce((a, b) => Math.max(a, b)) / step + 1e-9);
  const span = ln(users[users.length - 1]) - ln(users[0]) || 1;
  const x = (count: number) => left + LEFT + ((ln(count) - ln(users[0])) / span) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => top + HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const lines = [text(left + LEFT, top + 22, quoted(market), 'font-weight="600" fill="#111"')];
  for (let tick = low; tick <= high + step / 2; tick += step) {
    lines.push(
      `<line x1="${left + LEFT}" x2="${left + WIDTH - RIGHT}" y1="${tenth(y(tick))}" y2="${tenth(y(tick))}" stroke="#ddd"/>`,
      text(left + LEFT - 6, y(tick) + 4, String(tenth(tick)), 'text-anchor="end" fill="#555"'),
    );
  }
  for (const count of users)
    lines.push(text(x(count), top + HEIGHT - 14, count.toLocaleString('en-US'), 'text-anchor="middle" fill="#555"'));
  for (const [colour, key] of [
    [ALONE, 'alone'],
    [TOGETHER, 'together'],
  ] as const) {
    const points = curve.map((point, i) => [tenth(x(users[i])), tenth(y(100 * point[key].mrr))] as const);
    lines.push(
      `<polyline points="${points.map((point) => point.join()).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...points.map(([at, height]) => `<circle cx="${at}" cy="${height}" r="3" fill="${colour}"/>`),
    );
  }
  return lines;
}

function legend(x: number, y: number, colour: string, label: string): string[] {
  return [
    `<line x1="${x}" x2="${x + 22}" y1="${y - 4}" y2="${y - 4}" stroke="${colour}" stroke-width="2"/>`,
    text(x + 28, y, label, 'fill="#333"'),
  ];
}
