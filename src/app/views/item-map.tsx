// The map of a market's items: where they lie, which category, and which one is picked.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { remote } from '../client.ts';
import { marketName, number, percent, texts } from '../format.ts';
import {
  type Colouring,
  draw,
  fit,
  labelsOf,
  MAP_HEIGHT,
  MAP_WIDTH,
  nearest,
  type View,
} from '../parts/map-drawing.ts';
import { MarketMark } from '../parts/market.tsx';
import { Segmented } from '../parts/tabs.tsx';
import { categories, isReady, market, model, placeOf, titleOf, titles } from '../state.ts';
import type { Drawn } from '../worker/drawing.ts';

const COLOURS = 12;

/** By the category of each item, or by the market that most of its customers are in. */
function colouringOf({ items, homes, home }: Drawn, by: 'category' | 'market'): Colouring {
  if (by === 'market') {
    const groups = homes.map((name) => ({ key: name, label: marketName(name), swatch: `mark m${placeOf(name) + 1}` }));
    return { groups, of: home, isLabelled: false };
  }
  const place = new Map(categories.value.map((category, i) => [category, i]));
  const groups = categories.value.map((key, i) => ({ key, label: key, swatch: `swatch c${i % COLOURS}` }));
  const of = items.map((item) => place.get(titles.value.get(item)?.category ?? '') ?? -1);
  return { groups, of, isLabelled: true };
}

/** All items of a market in the plane, drawn into an image without a GPU; an id for each pixel is exact hit testing. */
export function ItemMap({ item, onPick }: { item: string | undefined; onPick: (item: string) => void }) {
  const t = texts.value.look;
  const canvas = useRef<HTMLCanvasElement>(null);
  const ids = useRef(new Int32Array(MAP_WIDTH * MAP_HEIGHT));
  const made = useSignal<Drawn | undefined>(undefined);
  const by = useSignal<'category' | 'market'>(categories.value.length > 0 ? 'category' : 'market');
  const progress = useSignal(0);
  const view = useSignal<View>({ x: 0, y: 0, scale: 1 });
  const colouring = useMemo(
    () => made.value && colouringOf(made.value, by.value),
    [made.value, by.value, categories.value, texts.value],
  );
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
    if (made.value && colouring && canvas.current)
      draw(canvas.current, ids.current, made.value, view.value, colouring, hidden.value, picked.value);
  }, [made.value, view.value, colouring, hidden.value, picked.value]);

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
      <div class="frame">
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
        <svg viewBox={`0 0 ${MAP_WIDTH} ${MAP_HEIGHT}`} aria-hidden="true">
          {made.value &&
            colouring &&
            labelsOf(made.value, view.value, colouring, hidden.value).map(({ label, x, y }) => (
              <text key={label} x={x} y={y} text-anchor="middle">
                {label}
              </text>
            ))}
          <path
            class="cross"
            d={`M${MAP_WIDTH / 2 - 14} ${MAP_HEIGHT / 2}h28M${MAP_WIDTH / 2} ${MAP_HEIGHT / 2 - 14}v28`}
          />
        </svg>
      </div>
      <figcaption>
        <p class="hint">{t.mapHelp}</p>
        {categories.value.length > 0 && (made.value?.homes.length ?? 0) > 1 && (
          <Segmented
            label={t.colourBy}
            choices={{ category: t.byCategory, market: t.byMarket }}
            value={by.value}
            onChange={(to) => {
              by.value = to;
              hidden.value = new Set();
            }}
          />
        )}
        {colouring && colouring.groups.length > 1 && (
          <fieldset class="legend">
            <legend>{by.value === 'market' ? t.byMarket : t.byCategory}</legend>
            {colouring.groups.map(({ key, label, swatch }) => (
              <label key={key} class="inline">
                <input
                  type="checkbox"
                  checked={!hidden.value.has(key)}
                  onChange={() => {
                    const next = new Set(hidden.value);
                    if (!next.delete(key)) next.add(key);
                    hidden.value = next;
                  }}
                />{' '}
                {by.value === 'market' ? <MarketMark market={key} /> : <span class={swatch} aria-hidden="true" />}{' '}
                {label}
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
