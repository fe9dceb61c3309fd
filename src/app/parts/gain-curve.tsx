// The curve of a market: with fewer of its customers in training, alone and with the other markets.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { problemOf, remote } from '../client.ts';
import { isClear, marketName, number, points, signed, texts } from '../format.ts';
import { data, market } from '../state.ts';
import type { GainFacts } from '../worker/api.ts';
import { frame, SERIES_MARKS, ticksOf } from './charts.tsx';
import { Figure, Table } from './figure.tsx';

const HEIGHT = 230;

/** Measures when it is asked to: it trains about a dozen models. */
export function GainCurve() {
  const t = texts.value.gain;
  const found = useSignal<GainFacts | undefined>(undefined);
  const running = useSignal<AbortController | undefined>(undefined);
  const stage = useSignal('');
  const problem = useSignal('');
  const now = market.value;
  useEffect(() => () => running.peek()?.abort(), [now, data.value]);
  if (!data.value || data.value.markets.length < 2) return null;
  const measure = async () => {
    const controller = new AbortController();
    running.value = controller;
    problem.value = '';
    try {
      found.value = await remote().gain(now, {
        signal: controller.signal,
        onProgress: (progress) => {
          stage.value = progress.stage;
        },
      });
    } catch (error) {
      problem.value = problemOf(error) ?? '';
    } finally {
      if (running.value === controller) running.value = undefined;
    }
  };
  const name = marketName(now);
  return (
    <section class="gain">
      {found.value?.market === now ? (
        <>
          <CurveChart gain={found.value} />
          <Without gain={found.value} />
        </>
      ) : running.value ? (
        <p role="status" class="row">
          {t.running(stage.value)}
          <button type="button" class="plain" onClick={() => running.value?.abort()}>
            {texts.value.cancel}
          </button>
        </p>
      ) : (
        <p class="row">
          {t.lead(name)}
          <button type="button" class="plain" onClick={measure}>
            {t.measure}
          </button>
        </p>
      )}
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </section>
  );
}

function CurveChart({ gain: { market: name, rows, curve } }: { gain: GainFacts }) {
  const { WIDTH } = frame();
  const t = texts.value.gain;
  const [left, right, top, bottom] = [56, WIDTH - 70, 34, HEIGHT - 30];
  const most = Math.max(...curve.map(({ together, error, alone }) => 100 * Math.max(alone, together + 2 * error)), 1);
  const [few, all] = [Math.log(curve[0].users || 1), Math.log(curve[curve.length - 1].users || 1)];
  const x = (users: number) => left + ((Math.log(users || 1) - few) / Math.max(1e-9, all - few)) * (right - left);
  const y = (value: number) => bottom - (value / most) * (bottom - top);
  const series = (key: 'alone' | 'together') => curve.map((point) => [x(point.users), y(100 * point[key])] as const);
  const names = { alone: t.alone, together: t.together };
  return (
    <Figure
      title={t.title(marketName(name))}
      desc={curve
        .map(({ users, alone, together }) => t.desc(number(users), points(alone), points(together)))
        .join('. ')}
      width={WIDTH}
      height={HEIGHT}
      table={{
        head: [t.users, t.alone, t.together, t.difference, t.rows],
        rows: curve.map(({ users, alone, together, difference, error }) => [
          number(users),
          points(alone),
          points(together),
          `${signed(100 * difference)} ± ${points(error)}`,
          number(rows),
        ]),
      }}
    >
      {ticksOf(0, most).map((tick) => (
        <g key={tick} class="axis">
          <line x1={left} x2={right} y1={y(tick)} y2={y(tick)} />
          <text x={left - 8} y={y(tick) + 4} text-anchor="end">
            {number(tick)}
          </text>
        </g>
      ))}
      {curve.map(({ users }) => (
        <text key={users} x={x(users)} y={HEIGHT - 10} text-anchor="middle">
          {number(users)}
        </text>
      ))}
      {(['alone', 'together'] as const).map((key, i) => {
        const marks = key === 'together' ? 'model' : 'alone';
        const last = series(key)[curve.length - 1];
        return (
          <g key={key} class={`series ${marks}`}>
            <polyline
              class="line"
              points={series(key)
                .map((point) => point.join())
                .join(' ')}
            />
            {key === 'together' &&
              curve.map((point) => (
                <line
                  key={point.users}
                  class="hair"
                  x1={x(point.users)}
                  x2={x(point.users)}
                  y1={y(100 * (point.together - 2 * point.error))}
                  y2={y(100 * (point.together + 2 * point.error))}
                />
              ))}
            {series(key).map(([at, height]) => (
              <path key={at} d={SERIES_MARKS[marks](at, height)} />
            ))}
            <text x={last[0] + 12} y={last[1] + (i === 0 ? 12 : -4)}>
              {points(curve[curve.length - 1][key])}
            </text>
            <g transform={`translate(${left + i * 130} 10)`}>
              <path d={SERIES_MARKS[marks](0, 0)} />
              <text x={12} y={4}>
                {names[key]}
              </text>
            </g>
          </g>
        );
      })}
    </Figure>
  );
}

/** Which of the others help: what leaving each out changes. */
function Without({ gain: { market: name, without } }: { gain: GainFacts }) {
  const t = texts.value.gain;
  if (without.length === 0) return null;
  const verdict = (difference: number, error: number) =>
    !isClear(difference, error) ? '' : difference < 0 ? t.helps : t.hinders;
  return (
    <div class="card">
      <h2>{t.withoutTitle(marketName(name))}</h2>
      <Table
        caption={t.withoutTitle(marketName(name))}
        head={[t.without, t.difference, '']}
        rows={without.map(({ source, difference, error }) => [
          marketName(source),
          `${signed(100 * difference)} ± ${points(error)}`,
          verdict(difference, error),
        ])}
      />
    </div>
  );
}
