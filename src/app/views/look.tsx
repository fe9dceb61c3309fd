// Look inside: an item's neighbours, a map of all items, how similarities spread.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { newest, remote } from '../client.ts';
import { percent, texts } from '../format.ts';
import { Histogram } from '../parts/charts.tsx';
import { Figure } from '../parts/figure.tsx';
import { ItemSearch } from '../parts/item-search.tsx';
import { MarketSelect } from '../parts/market.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { goTo, route } from '../router.ts';
import { basket, isReady, market, model, titleOf } from '../state.ts';
import { ItemMap } from './item-map.tsx';

type Tab = 'neighbours' | 'map' | 'spread';
interface Similar {
  item: string;
  score: number;
}
const RING = 12;
const RADIUS = 180;
const SPREAD = 200;

export function Look() {
  const t = texts.value.look;
  const [first, second] = route.value.rest;
  const tab: Tab = first === 'map' || first === 'spread' ? first : 'neighbours';
  const item = first === 'item' ? second : (route.value.query.get('item') ?? basket.value[0]);
  const similar = useSignal<readonly Similar[]>([]);
  const ask = useMemo(newest, []);
  useEffect(() => {
    if (!isReady.value || item === undefined || tab === 'map') return;
    ask(
      () => remote().similar({ market: market.value, item, k: SPREAD }),
      (value) => {
        similar.value = value;
      },
    );
  }, [item, market.value, model.value, isReady.value, tab]);
  const pick = (to: string) =>
    goTo(`look/${tab === 'neighbours' ? `item/${encodeURIComponent(to)}` : `${tab}?item=${encodeURIComponent(to)}`}`);
  return (
    <>
      <h1 tabIndex={-1}>{t.title}</h1>
      <div class="row">
        <ItemSearch label={t.search} onPick={pick} />
        <MarketSelect
          label={texts.value.recommend.market}
          markets={model.value?.markets.map(({ name }) => name) ?? []}
          value={market.value}
          onChange={(to) => {
            market.value = to;
          }}
        />
      </div>
      <Tabs
        label={t.title}
        tabs={t.tabs}
        value={tab}
        onChange={(to) => goTo(to === 'neighbours' && item ? `look/item/${encodeURIComponent(item)}` : `look/${to}`)}
      >
        {tab === 'map' ? (
          <ItemMap item={item} onPick={pick} />
        ) : item === undefined ? (
          <p>{t.empty}</p>
        ) : tab === 'spread' ? (
          <Spread item={item} similar={similar.value} />
        ) : (
          <Neighbours item={item} similar={similar.value.slice(0, RING)} onPick={pick} />
        )}
      </Tabs>
    </>
  );
}

/** The item in the centre, its nearest on a ring in the order of the list beside it. */
function Neighbours(props: { item: string; similar: readonly Similar[]; onPick: (item: string) => void }) {
  const t = texts.value.look;
  const { item, similar, onPick } = props;
  const [width, height] = [420, 420];
  const largest = Math.max(1e-9, ...similar.map(({ score }) => score));
  const at = (i: number) => {
    const angle = (2 * Math.PI * i) / Math.max(1, similar.length) - Math.PI / 2;
    return [width / 2 + RADIUS * Math.cos(angle), height / 2 + RADIUS * Math.sin(angle)];
  };
  const title = t.neighbours(titleOf(item));
  return (
    <div class="pair both uneven">
      <Figure
        title={title}
        desc={similar.map((each) => titleOf(each.item)).join(', ')}
        width={width}
        height={height}
        table={{
          head: [t.item, '#'],
          rows: similar.map((each, i) => [titleOf(each.item), String(i + 1)]),
        }}
      >
        {similar.map((each, i) => {
          const [x, y] = at(i);
          return (
            <line
              key={each.item}
              class="edge"
              x1={width / 2}
              y1={height / 2}
              x2={x}
              y2={y}
              stroke-width={1 + (5 * Math.max(0, each.score)) / largest}
            />
          );
        })}
        {similar.map((each, i) => {
          const [x, y] = at(i);
          return (
            <g key={each.item}>
              <circle class="node" cx={x} cy={y} r={11} />
              <text x={x} y={y + 4} text-anchor="middle" class="in-node">
                {i + 1}
              </text>
            </g>
          );
        })}
        <circle class="node centre" cx={width / 2} cy={height / 2} r={15} />
      </Figure>
      <section class="card answers">
        <h2>{t.list}</h2>
        <ol>
          {similar.map((each) => (
            <li key={each.item}>
              <button type="button" class="quiet left" onClick={() => onPick(each.item)}>
                {titleOf(each.item)}
              </button>
              <progress max={largest} value={Math.max(0, each.score)} aria-label={titleOf(each.item)} />
            </li>
          ))}
        </ol>
      </section>
    </div>
  );
}

function Spread({ item, similar }: { item: string; similar: readonly Similar[] }) {
  const t = texts.value.look;
  const largest = Math.max(1e-9, ...similar.map(({ score }) => score));
  const bins = 10;
  const counts = new Array<number>(bins).fill(0);
  for (const { score } of similar) counts[Math.min(bins - 1, Math.max(0, Math.floor((bins * score) / largest)))]++;
  return (
    <Histogram
      title={t.spreadTitle(titleOf(item))}
      bins={counts.map((_, i) => percent((i + 1) / bins))}
      counts={counts}
      unit={texts.value.data.columns.items}
    />
  );
}
