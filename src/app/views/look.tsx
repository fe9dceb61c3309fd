// Look inside: an item's neighbours, a map of all items, how similarities spread.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { newest, remote } from '../client.ts';
import { number, percent, texts } from '../format.ts';
import { Histogram } from '../parts/charts.tsx';
import { Figure } from '../parts/figure.tsx';
import { ItemSearch } from '../parts/item-search.tsx';
import { MarketSelect } from '../parts/market.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { goTo, route } from '../router.ts';
import { basket, categories, isReady, market, model, titleOf, titles } from '../state.ts';

type Tab = 'neighbours' | 'map' | 'spread';
interface Similar {
  item: string;
  score: number;
}
const RING = 12;
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
        <ItemSearch label={item === undefined ? t.item : titleOf(item)} onPick={pick} />
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
  const [width, height] = [640, 420];
  const largest = Math.max(1e-9, ...similar.map(({ score }) => score));
  const at = (i: number) => {
    const angle = (2 * Math.PI * i) / Math.max(1, similar.length) - Math.PI / 2;
    return [width / 2 + 190 * Math.cos(angle), height / 2 + 150 * Math.sin(angle)];
  };
  const title = t.neighbours(titleOf(item));
  return (
    <div class="pair both">
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
        <h2>{title}</h2>
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

const MAP_WIDTH = 1200;
const MAP_HEIGHT = 800;

interface View {
  x: number;
  y: number;
  scale: number;
}

/** All items of a market in the plane, drawn into an image without a GPU; an id for each pixel is exact hit testing. */
function ItemMap({ item, onPick }: { item: string | undefined; onPick: (item: string) => void }) {
  const t = texts.value.look;
  const canvas = useRef<HTMLCanvasElement>(null);
  const ids = useRef(new Int32Array(MAP_WIDTH * MAP_HEIGHT));
  const made = useSignal<{ items: string[]; at: Float32Array } | undefined>(undefined);
  const progress = useSignal(0);
  const view = useSignal<View>({ x: 0, y: 0, scale: 1 });
  const hidden = useSignal<ReadonlySet<string>>(new Set());
  const picked = useSignal<string | undefined>(item);
  useEffect(() => {
    if (!isReady.value) return;
    const stop = new AbortController();
    made.value = undefined;
    const onProgress = ({ done, total }: { done: number; total: number }) => {
      progress.value = done / total;
    };
    remote()
      .map({ market: market.value }, { signal: stop.signal, onProgress })
      .then(
        (value) => {
          made.value = value;
          view.value = fit(value.at);
        },
        () => {},
      );
    return () => stop.abort();
  }, [market.value, model.value, isReady.value]);
  useEffect(() => {
    if (made.value && canvas.current)
      draw(canvas.current, ids.current, made.value, view.value, hidden.value, picked.value);
  }, [made.value, view.value, hidden.value, picked.value]);

  const pickAt = (x: number, y: number) => {
    const id = ids.current[Math.floor(y) * MAP_WIDTH + Math.floor(x)] - 1;
    if (id >= 0 && made.value) picked.value = made.value.items[id];
  };
  const zoom = (factor: number, x = MAP_WIDTH / 2, y = MAP_HEIGHT / 2) => {
    const { x: left, y: top, scale } = view.value;
    view.value = {
      x: left + x / scale - x / (scale * factor),
      y: top + y / scale - y / (scale * factor),
      scale: scale * factor,
    };
  };
  const pan = (dx: number, dy: number) => {
    const { x, y, scale } = view.value;
    view.value = { x: x + dx / scale, y: y + dy / scale, scale };
  };
  const keys: Record<string, () => void> = {
    ArrowLeft: () => pan(-60, 0),
    ArrowRight: () => pan(60, 0),
    ArrowUp: () => pan(0, -60),
    ArrowDown: () => pan(0, 60),
    '+': () => zoom(1.25),
    '-': () => zoom(0.8),
    '0': () => {
      if (made.value) view.value = fit(made.value.at);
    },
    Enter: () => {
      if (made.value) picked.value = nearest(made.value, view.value);
    },
    Escape: () => {
      picked.value = undefined;
    },
  };
  const pointer = useRef<{ x: number; y: number; moved: boolean } | undefined>(undefined);
  const inCanvas = (event: PointerEvent | WheelEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * MAP_WIDTH) / box.width,
      ((event.clientY - box.top) * MAP_HEIGHT) / box.height,
    ] as const;
  };
  return (
    <figure class="card map">
      {!made.value && <p role="status">{t.drawing(number(titles.value.size), percent(progress.value))}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the map is moved by keys */}
      <canvas
        ref={canvas}
        width={MAP_WIDTH}
        height={MAP_HEIGHT}
        tabIndex={0}
        role="img"
        aria-label={`${t.tabs.map}. ${t.mapHelp}`}
        onKeyDown={(event) => {
          const act = keys[event.key];
          if (!act) return;
          event.preventDefault();
          act();
        }}
        onPointerDown={(event) => {
          pointer.current = { x: event.clientX, y: event.clientY, moved: false };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          const from = pointer.current;
          if (!from) return;
          const box = event.currentTarget.getBoundingClientRect();
          const by = MAP_WIDTH / box.width;
          if (Math.abs(event.clientX - from.x) + Math.abs(event.clientY - from.y) < 4 && !from.moved) return;
          pan((from.x - event.clientX) * by, (from.y - event.clientY) * by);
          pointer.current = { x: event.clientX, y: event.clientY, moved: true };
        }}
        onPointerUp={(event) => {
          if (pointer.current && !pointer.current.moved) pickAt(...inCanvas(event));
          pointer.current = undefined;
        }}
        onWheel={(event) => {
          event.preventDefault();
          zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, ...inCanvas(event));
        }}
      />
      <figcaption>
        <p class="hint">{t.mapHelp}</p>
        {categories.value.length > 0 && (
          <fieldset class="legend">
            <legend>{t.byCategory}</legend>
            {categories.value.map((category, i) => (
              <label key={category} class="inline">
                <input
                  type="checkbox"
                  checked={!hidden.value.has(category)}
                  onChange={() => {
                    const next = new Set(hidden.value);
                    if (!next.delete(category)) next.add(category);
                    hidden.value = next;
                  }}
                />{' '}
                <span class={`swatch c${i % 12}`} aria-hidden="true" /> {category}
              </label>
            ))}
          </fieldset>
        )}
        <p role="status">{picked.value === undefined ? '' : t.picked(titleOf(picked.value))}</p>
        {picked.value !== undefined && (
          <button type="button" class="plain" onClick={() => onPick(picked.value!)}>
            {t.neighbours(titleOf(picked.value))}
          </button>
        )}
      </figcaption>
    </figure>
  );
}

function fit(at: Float32Array): View {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < at.length; i += 2) {
    left = Math.min(left, at[i]);
    right = Math.max(right, at[i]);
    top = Math.min(top, at[i + 1]);
    bottom = Math.max(bottom, at[i + 1]);
  }
  if (!(right > left)) return { x: -10, y: -10, scale: 40 };
  const scale = 0.92 * Math.min(MAP_WIDTH / (right - left), MAP_HEIGHT / Math.max(1e-6, bottom - top));
  return { x: (left + right) / 2 - MAP_WIDTH / scale / 2, y: (top + bottom) / 2 - MAP_HEIGHT / scale / 2, scale };
}

/** The item nearest to the middle of what is seen. */
function nearest({ items, at }: { items: string[]; at: Float32Array }, { x, y, scale }: View): string | undefined {
  const [cx, cy] = [x + MAP_WIDTH / scale / 2, y + MAP_HEIGHT / scale / 2];
  let [best, least] = [-1, Infinity];
  for (let i = 0; i < items.length; i++) {
    const distance = (at[2 * i] - cx) ** 2 + (at[2 * i + 1] - cy) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return items[best];
}

/** The colour of a class, as the style sheet has it. */
function rgbOf(element: Element, name: string): [number, number, number] {
  const probe = document.createElement('span');
  probe.className = name;
  element.parentElement!.append(probe);
  const [r, g, b] = getComputedStyle(probe)
    .color.match(/[\d.]+/g)!
    .map(Number);
  probe.remove();
  return [r, g, b];
}

function draw(
  canvas: HTMLCanvasElement,
  ids: Int32Array,
  { items, at }: { items: string[]; at: Float32Array },
  { x: left, y: top, scale }: View,
  hidden: ReadonlySet<string>,
  picked: string | undefined,
): void {
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(MAP_WIDTH, MAP_HEIGHT);
  const colours =
    categories.value.length > 0
      ? categories.value.map((_, i) => rgbOf(canvas, `swatch c${i % 12}`))
      : [rgbOf(canvas, 'swatch c0')];
  const place = new Map(categories.value.map((category, i) => [category, i]));
  ids.fill(0);
  const radius = items.length > 4000 ? 2 : 3;
  const disc = (i: number, r: number, [red, green, blue]: [number, number, number]) => {
    const [cx, cy] = [Math.round((at[2 * i] - left) * scale), Math.round((at[2 * i + 1] - top) * scale)];
    for (let dy = -r; dy <= r; dy++) {
      for (let dx = -r; dx <= r; dx++) {
        const [px, py] = [cx + dx, cy + dy];
        if (dx * dx + dy * dy > r * r + 1 || px < 0 || py < 0 || px >= MAP_WIDTH || py >= MAP_HEIGHT) continue;
        const pixel = py * MAP_WIDTH + px;
        ids[pixel] = i + 1;
        image.data[4 * pixel] = red;
        image.data[4 * pixel + 1] = green;
        image.data[4 * pixel + 2] = blue;
        image.data[4 * pixel + 3] = 255;
      }
    }
  };
  let last = -1;
  for (let i = 0; i < items.length; i++) {
    const category = titles.value.get(items[i])?.category ?? '';
    if (hidden.has(category)) continue;
    if (items[i] === picked) last = i;
    disc(i, radius, colours[place.get(category) ?? 0]);
  }
  if (last >= 0) disc(last, 8, rgbOf(canvas, 'picked'));
  context.putImageData(image, 0, 0);
}
