// A chart with its finding as the title, and the same numbers as a table.
import { signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { csvField } from '../../common/csv.ts';
import { texts } from '../format.ts';
import { toast } from '../state.ts';

const narrow = matchMedia('(max-width: 640px)');
/** Whether charts have the width of a phone. */
export const isNarrow = signal(narrow.matches);
narrow.addEventListener('change', ({ matches }) => {
  isNarrow.value = matches;
});

export interface TableOf {
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

/** The first column is text, the others are numbers. */
export function Table({ head, rows, caption, isText }: TableOf & { caption?: string; isText?: boolean }) {
  const other = isText ? '' : 'number';
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label={caption}>
      <table>
        {caption && <caption class="sr">{caption}</caption>}
        <thead>
          <tr>
            {head.map((cell, i) => (
              <th key={cell} scope="col" class={i === 0 ? '' : other}>
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={`${i} ${row[0]}`}>
              {row.map((cell, j) =>
                j === 0 ? (
                  <th key={head[j]} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={head[j]} class={other}>
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function Figure(props: {
  title: string;
  /** What the chart shows, for who does not see it. */
  desc: string;
  width: number;
  height: number;
  /** Made when it is asked for: a chart that changes often need not make it each time. */
  table: TableOf | (() => TableOf);
  children: ComponentChildren;
}) {
  const isTable = useSignal(false);
  const tableOf = () => (typeof props.table === 'function' ? props.table() : props.table);
  const id = useId();
  const copy = async () => {
    const { head, rows } = tableOf();
    await navigator.clipboard.writeText([head, ...rows].map((row) => row.map(csvField).join(',')).join('\n'));
    toast.value = { text: texts.value.copied };
  };
  return (
    <figure class="card">
      <figcaption>
        <h2 id={`${id}-title`}>{props.title}</h2>
        <span class="actions">
          {isTable.value && (
            <button type="button" class="quiet" onClick={copy}>
              {texts.value.copyCsv}
            </button>
          )}
          <button
            type="button"
            class="quiet"
            aria-pressed={isTable.value}
            onClick={() => {
              isTable.value = !isTable.value;
            }}
          >
            {isTable.value ? texts.value.chart : texts.value.table}
          </button>
        </span>
      </figcaption>
      {isTable.value ? (
        <Table {...tableOf()} caption={props.title} />
      ) : (
        // biome-ignore lint/a11y/noSvgWithoutTitle: the caption is its title
        <svg
          class="plot"
          viewBox={`0 0 ${props.width} ${props.height}`}
          role="img"
          aria-labelledby={`${id}-title ${id}-desc`}
        >
          <desc id={`${id}-desc`}>{props.desc}</desc>
          {props.children}
        </svg>
      )}
    </figure>
  );
}
