// A market is a colour, a shape and its name: never the colour alone.
import { marketName } from '../format.ts';
import { placeOf } from '../state.ts';

const SHAPES = ['●', '■', '▲', '◆', '✚', '⬢', '▼', '★'];

export function MarketMark({ market }: { market: string }) {
  const place = placeOf(market);
  const shape = SHAPES[place] ?? '○';
  return (
    <span class={`mark m${place < SHAPES.length ? place + 1 : 0}`} aria-hidden="true">
      {shape}
    </span>
  );
}

export function MarketLabel({ market }: { market: string }) {
  return (
    <span class="market">
      <MarketMark market={market} /> {marketName(market)}
    </span>
  );
}

/** A native list of markets. */
export function MarketSelect(props: {
  label: string;
  markets: readonly string[];
  value: string;
  onChange: (market: string) => void;
}) {
  return (
    <label class="field inline">
      <span>{props.label}</span>
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        {props.markets.map((market) => (
          <option key={market} value={market}>
            {marketName(market)}
          </option>
        ))}
      </select>
    </label>
  );
}
