// The page's few charts: real text, intervals where there is an error, axes from 0 where there are bars.
import { marketName, number, percent, points, signed, texts } from '../format.ts';
import { placeOf } from '../state.ts';
import type { Comparison, MarketFacts, Measured } from '../worker/api.ts';
import { Figure, isNarrow } from './figure.tsx';

const ROW = 40;

/** Sizes in units of which the text is 13 high: a narrow screen has fewer of them, not smaller text. */
export function frame() {
  return isNarrow.value ? { WIDTH: 330, LEFT: 104, RIGHT: 44 } : { WIDTH: 640, LEFT: 130, RIGHT: 60 };
}

/** At most five round ticks from 0 to `most`, or from `least`. */
export function ticksOf(least: number, most: number): number[] {
  const range = Math.max(1e-9, most - least);
  const power = 10 ** Math.floor(Math.log10(range / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => range / each <= 5) ?? 10 * power;
  const ticks = [];
  for (let tick = Math.ceil(least / step) * step; tick <= most + 1e-9; tick += step)
    ticks.push(Number(tick.toFixed(9)));
  return ticks;
}

function Axis(props: { ticks: number[]; x: (value: number) => number; height: number; top?: number }) {
  const { ticks, x, height, top = 0 } = props;
  return (
    <g class="axis">
      {ticks.map((tick) => (
        <g key={tick}>
          <line x1={x(tick)} x2={x(tick)} y1={top} y2={height - 22} />
          <text x={x(tick)} y={height - 6} text-anchor="middle">
            {number(tick)}
          </text>
        </g>
      ))}
    </g>
  );
}

export const SERIES_MARKS: Record<string, (x: number, y: number) => string> = {
  model: (x, y) => `M${x - 6} ${y}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0`,
  ease: (x, y) => `M${x - 5} ${y - 5}h10v10h-10z`,
  alone: (x, y) => `M${x} ${y - 6}l6 11h-12z`,
  popularity: (x, y) => `M${x - 5} ${y - 5}l10 10M${x + 5} ${y - 5}l-10 10`,
};

/** Models of a market lie below each other, so that no mark hides another. */
const LANE = 9;

type Metric = 'hr' | 'mrr' | 'ndcg';

/** A row a market, a shape a model, with one and two standard errors. */
export function QualityChart({ measured, metric }: { measured: Record<string, Measured[]>; metric: Metric }) {
  const { WIDTH, LEFT, RIGHT } = frame();
  const t = texts.value.train;
  const models = Object.keys(measured);
  const markets = measured.model.map(({ market }) => market);
  const of = (model: string, market: string) => measured[model]?.find((each) => each.market === market);
  const most = Math.max(
    ...Object.values(measured).flatMap((list) => list.map((m) => 100 * (m[metric] + 2 * m.errors[metric]))),
  );
  const x = (value: number) => LEFT + (value / Math.max(1, most)) * (WIDTH - LEFT - RIGHT);
  const top = isNarrow.value ? 44 : 24;
  const height = markets.length * ROW + top + 28;
  const name = (model: string) => t.series[model as keyof typeof t.series] ?? model;
  const desc = markets
    .map((market) => {
      const [model, base] = [of('model', market), of('popularity', market)];
      return model ? t.resultDesc(marketName(market), points(model[metric]), points(base?.[metric] ?? 0)) : '';
    })
    .join('. ');
  return (
    <Figure
      title={t.result}
      desc={desc}
      width={WIDTH}
      height={height}
      table={{
        head: [texts.value.data.columns.market, ...models.map(name), texts.value.train.rows(2).replace(/^\S+\s/, '')],
        rows: markets.map((market) => [
          marketName(market),
          ...models.map((model) => {
            const one = of(model, market);
            return one ? `${points(one[metric])} ± ${points(one.errors[metric])}` : '–';
          }),
          number(of('model', market)?.rows ?? 0),
        ]),
      }}
    >
      <Axis ticks={ticksOf(0, most)} x={x} height={height} top={top} />
      {markets.map((market, row) => (
        <g key={market} transform={`translate(0 ${row * ROW + top + ROW / 2})`}>
          <text x={LEFT - 12} y={4} text-anchor="end">
            {marketName(market)}
          </text>
          {models.map((model, i) => {
            const one = of(model, market);
            if (!one) return null;
            const [value, error] = [100 * one[metric], 100 * one.errors[metric]];
            const lane = (i - (models.length - 1) / 2) * LANE;
            return (
              <g key={model} class={`series ${model}`} transform={`translate(0 ${lane})`}>
                <line x1={x(Math.max(0, value - 2 * error))} x2={x(value + 2 * error)} y1={0} y2={0} class="hair" />
                <line x1={x(Math.max(0, value - error))} x2={x(value + error)} y1={0} y2={0} class="bar" />
                <path d={SERIES_MARKS[model]?.(x(value), 0) ?? ''} />
              </g>
            );
          })}
        </g>
      ))}
      <g class="key">
        {models.map((model, i) => (
          <g
            key={model}
            class={`series ${model}`}
            transform={
              isNarrow.value
                ? `translate(${10 + (i % 2) * 160} ${6 + 18 * Math.floor(i / 2)})`
                : `translate(${LEFT + i * 130} 6)`
            }
          >
            <path d={SERIES_MARKS[model]?.(0, 0) ?? ''} />
            <text x={12} y={4}>
              {name(model)}
            </text>
          </g>
        ))}
      </g>
    </Figure>
  );
}

/** B − A around zero. */
export function DifferenceChart({ rows, a, b }: { rows: readonly Comparison[]; a: string; b: string }) {
  const { WIDTH, LEFT, RIGHT } = frame();
  const t = texts.value.models;
  const most = Math.max(1, ...rows.map(({ difference, error }) => Math.abs(difference) + 2 * error));
  const x = (value: number) => LEFT + ((value + most) / (2 * most)) * (WIDTH - LEFT - RIGHT);
  const height = rows.length * ROW + 40;
  const verdict = ({ difference, error }: Comparison) =>
    Math.abs(difference) < 2 * error ? texts.value.recommend.unclear : t.better(difference > 0 ? b : a);
  return (
    <Figure
      title={t.compareTitle(a, b)}
      desc={rows.map((row) => `${marketName(row.market)}: ${signed(row.difference)}, ${verdict(row)}`).join('. ')}
      width={WIDTH}
      height={height}
      table={{
        head: [texts.value.data.columns.market, t.difference, '±', texts.value.train.rows(2).replace(/^\S+\s/, '')],
        rows: rows.map((row) => [
          marketName(row.market),
          signed(row.difference),
          number(row.error, 1),
          number(row.rows),
        ]),
      }}
    >
      <Axis ticks={ticksOf(-most, most)} x={x} height={height} />
      <line class="zero" x1={x(0)} x2={x(0)} y1={0} y2={height - 22} />
      {rows.map((row, i) => (
        <g key={row.market} class="series model" transform={`translate(0 ${i * ROW + 18})`}>
          <text x={LEFT - 12} y={4} text-anchor="end">
            {marketName(row.market)}
          </text>
          <line
            class="hair"
            x1={x(row.difference - 2 * row.error)}
            x2={x(row.difference + 2 * row.error)}
            y1={0}
            y2={0}
          />
          <line class="bar" x1={x(row.difference - row.error)} x2={x(row.difference + row.error)} y1={0} y2={0} />
          <path d={SERIES_MARKS.model(x(row.difference), 0)} />
          <title>{verdict(row)}</title>
        </g>
      ))}
    </Figure>
  );
}

/** Of the row's items, or of its pairs of items, the share that the column has too; every cell says its number. */
export function OverlapMatrix(props: { markets: readonly MarketFacts[]; shared: number[][]; of: 'items' | 'pairs' }) {
  const { WIDTH, LEFT } = frame();
  const { markets, shared } = props;
  const t = { ...texts.value.data, ...texts.value.data.overlaps[props.of] };
  const cell = Math.min(96, Math.max(40, (WIDTH - LEFT) / markets.length));
  const width = LEFT + markets.length * cell;
  const height = 34 + markets.length * 36 + 6;
  const names = markets.map(({ name }) => marketName(name));
  const pairs = shared.flatMap((row, i) => row.flatMap((share, j) => (i === j ? [] : [{ i, j, share }])));
  const largest = pairs.sort((p, q) => q.share - p.share)[0];
  return (
    <Figure
      title={t.overlap}
      desc={`${t.overlapAxis}. ${largest ? t.overlapDesc(names[largest.i], percent(largest.share), names[largest.j]) : ''}`}
      width={width}
      height={height}
      table={{
        head: [t.columns.market, ...names],
        rows: shared.map((row, i) => [names[i], ...row.map((share, j) => (i === j ? '–' : percent(share)))]),
      }}
    >
      {names.map((name, j) => (
        <text key={name} x={LEFT + j * cell + cell / 2} y={22} text-anchor="middle">
          {markets[j].name.length <= 6 ? markets[j].name : `${markets[j].name.slice(0, 5)}…`}
        </text>
      ))}
      {shared.map((row, i) => (
        <g key={names[i]} transform={`translate(0 ${34 + i * 36})`}>
          <text x={LEFT - 12} y={22} text-anchor="end">
            {names[i]}
          </text>
          {row.map((share, j) =>
            i === j ? null : (
              <g key={names[j]} transform={`translate(${LEFT + j * cell} 0)`}>
                <rect class="cell" width={cell - 2} height={34} rx={4} fill-opacity={0.05 + 0.29 * share} />
                <text x={cell / 2 - 1} y={22} text-anchor="middle">
                  {percent(share)}
                </text>
              </g>
            ),
          )}
        </g>
      ))}
    </Figure>
  );
}

/** Two bars a market: what the best-selling tenth has, and how many items are hardly bought. */
export function SpreadChart({ markets }: { markets: readonly MarketFacts[] }) {
  const { WIDTH, LEFT, RIGHT } = frame();
  const t = texts.value.data;
  const x = (share: number) => LEFT + share * (WIDTH - LEFT - RIGHT);
  const top = isNarrow.value ? 44 : 26;
  const height = markets.length * 48 + top;
  return (
    <Figure
      title={t.spread}
      desc={markets
        .map((m) => `${marketName(m.name)}: ${t.topTenth} ${percent(m.topTenth)}, ${t.rare} ${percent(m.rare)}`)
        .join('. ')}
      width={WIDTH}
      height={height}
      table={{
        head: [t.columns.market, t.topTenth, t.rare],
        rows: markets.map((m) => [marketName(m.name), percent(m.topTenth), percent(m.rare)]),
      }}
    >
      <line class="zero" x1={LEFT} x2={LEFT} y1={top} y2={height} />
      <text x={isNarrow.value ? 0 : LEFT} y={10}>
        ▬ {t.topTenth}
      </text>
      <text x={isNarrow.value ? 0 : LEFT + 250} y={isNarrow.value ? 28 : 10}>
        ▭ {t.rare}
      </text>
      {markets.map((m, i) => (
        <g key={m.name} transform={`translate(0 ${i * 48 + top + 4})`}>
          <text x={LEFT - 12} y={20} text-anchor="end">
            {marketName(m.name)}
          </text>
          <rect class={`fill m${placeOf(m.name) + 1}`} x={LEFT} y={2} width={x(m.topTenth) - LEFT} height={14} />
          <text x={x(m.topTenth) + 6} y={14}>
            {percent(m.topTenth)}
          </text>
          <rect class={`outline m${placeOf(m.name) + 1}`} x={LEFT} y={20} width={x(m.rare) - LEFT} height={14} />
          <text x={x(m.rare) + 6} y={32}>
            {percent(m.rare)}
          </text>
        </g>
      ))}
    </Figure>
  );
}

/** A histogram with the names of its bins. */
export function Histogram(props: { title: string; bins: readonly string[]; counts: readonly number[]; unit: string }) {
  const { WIDTH } = frame();
  const most = Math.max(1, ...props.counts);
  const step = (WIDTH - 20) / props.bins.length;
  const height = 190;
  const y = (value: number) => 20 + (1 - value / most) * 130;
  return (
    <Figure
      title={props.title}
      desc={props.bins.map((bin, i) => `${bin}: ${number(props.counts[i])}`).join(', ')}
      width={WIDTH}
      height={height}
      table={{ head: [props.title, props.unit], rows: props.bins.map((bin, i) => [bin, number(props.counts[i])]) }}
    >
      <line class="zero" x1={10} x2={WIDTH - 10} y1={150} y2={150} />
      {props.bins.map((bin, i) => (
        <g key={bin} transform={`translate(${10 + i * step} 0)`}>
          <rect class="column" x={4} y={y(props.counts[i])} width={step - 8} height={150 - y(props.counts[i])} />
          <text x={step / 2} y={y(props.counts[i]) - 5} text-anchor="middle">
            {props.counts[i] > 0 ? number(props.counts[i]) : ''}
          </text>
          <text x={step / 2} y={isNarrow.value && i % 2 === 1 ? 184 : 168} text-anchor="middle">
            {bin}
          </text>
        </g>
      ))}
    </Figure>
  );
}

/** A line of the loss by report. */
export function LossLine({ title, losses }: { title: string; losses: readonly number[] }) {
  const { WIDTH } = frame();
  const [least, most] = [Math.min(...losses), Math.max(...losses)];
  const x = (i: number) => 50 + (i / Math.max(1, losses.length - 1)) * (WIDTH - 120);
  const y = (value: number) => 14 + (1 - (value - least) / Math.max(1e-9, most - least)) * 90;
  const last = losses[losses.length - 1];
  return (
    <Figure
      title={title}
      desc={`${number(losses[0], 3)} → ${number(last, 3)}`}
      width={WIDTH}
      height={120}
      table={() => ({ head: ['#', title], rows: losses.map((loss, i) => [String(i + 1), number(loss, 4)]) })}
    >
      <polyline class="line" points={losses.map((loss, i) => `${x(i)},${y(loss)}`).join(' ')} />
      <text x={x(losses.length - 1) + 8} y={y(last) + 4}>
        {number(last, 3)}
      </text>
      <text x={44} y={y(losses[0]) + 4} text-anchor="end">
        {number(losses[0], 2)}
      </text>
    </Figure>
  );
}
