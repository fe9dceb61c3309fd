// Models: what is saved, comparing two, smaller files, the snippet that serves one, and a file for all customers.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ask, loadModels, loadTitles, remote } from '../client.ts';
import { bytes, date, marketName, number, signed, texts } from '../format.ts';
import { DifferenceChart } from '../parts/charts.tsx';
import { MarketSelect } from '../parts/market.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { data, isSample, model, placeMarkets, saved, toast, usage } from '../state.ts';
import type { Comparison, Variant } from '../worker/api.ts';

export function Models() {
  const t = texts.value.models;
  const picked = useSignal<readonly string[]>([]);
  const comparison = useSignal<{ a: string; b: string; rows: readonly Comparison[] } | undefined>(undefined);
  const removing = useSignal<string | undefined>(undefined);
  useEffect(() => {
    void loadModels();
  }, []);
  const open = async (from: { name: string } | { file: File }) => {
    const facts = await ask(remote().open(from));
    if (!facts) return;
    placeMarkets(facts.markets.map(({ name }) => name));
    model.value = facts;
    isSample.value = false;
    toast.value = { text: t.opened(facts.name ?? facts.kind) };
    await loadTitles();
  };
  const compare = async () => {
    const [a, b] = picked.value;
    const rows = await ask(remote().compare({ a, b }));
    if (rows) comparison.value = { a, b, rows };
  };
  return (
    <>
      <h1 tabIndex={-1}>{t.title}</h1>
      {saved.value.length === 0 ? (
        <p>{t.none}</p>
      ) : (
        <ul class="models">
          {saved.value.map((each) => (
            <li key={each.name} class="card">
              <label class="inline">
                <input
                  type="checkbox"
                  checked={picked.value.includes(each.name)}
                  onChange={(event) => {
                    const others = picked.value.filter((name) => name !== each.name);
                    picked.value = event.currentTarget.checked ? [...others, each.name].slice(-2) : others;
                  }}
                />{' '}
                <strong>{each.name}</strong>
              </label>
              <span>
                {each.facts?.kind ?? ''} · {bytes(each.bytes)} · {date(each.saved)}
                {each.facts?.gain && ` · ${signed(each.facts.gain.points)} ± ${number(each.facts.gain.error, 1)}`}
              </span>
              <span class="actions">
                <button type="button" onClick={() => open({ name: each.name })}>
                  {t.load}
                </button>
                <Download
                  label={texts.value.download}
                  name={`${each.name}.m3rec`}
                  get={() => remote().download(each.name)}
                />
                <Rename name={each.name} />
                <button
                  type="button"
                  class="quiet"
                  onClick={() => {
                    removing.value = each.name;
                  }}
                >
                  {t.remove}
                </button>
              </span>
            </li>
          ))}
        </ul>
      )}
      <p class="buttons">
        <label class="button plain">
          {t.open}
          <input
            type="file"
            accept=".m3rec"
            class="sr"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              if (file) void open({ file });
            }}
          />
        </label>
        <button type="button" class="plain" disabled={picked.value.length !== 2 || !data.value} onClick={compare}>
          {t.compare(picked.value.length)}
        </button>
      </p>
      {usage.value && (
        <p class="hint">
          {t.usage(bytes(usage.value.models), usage.value.free === undefined ? undefined : bytes(usage.value.free))}{' '}
          {usage.value.persistent ? t.kept : t.perhaps}
        </p>
      )}
      {comparison.value && <DifferenceChart {...comparison.value} />}
      {model.value && (
        <>
          <UseIt />
          <Batch />
        </>
      )}
      <Confirm
        question={removing.value && t.removeAsk(removing.value)}
        action={t.remove}
        onAnswer={async (yes) => {
          const name = removing.value;
          removing.value = undefined;
          if (!yes || name === undefined) return;
          await ask(remote().remove(name));
          await loadModels();
        }}
      />
    </>
  );
}

/** A question that stands over the page until it is answered. */
function Confirm(props: { question: string | undefined; action: string; onAnswer: (yes: boolean) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (props.question && !dialog.current?.open) dialog.current?.showModal();
    if (!props.question && dialog.current?.open) dialog.current.close();
  }, [props.question]);
  return (
    <dialog ref={dialog} onClose={() => props.question && props.onAnswer(false)}>
      <p>{props.question}</p>
      <p class="buttons">
        <button type="button" onClick={() => props.onAnswer(true)}>
          {props.action}
        </button>
        <button type="button" class="plain" onClick={() => props.onAnswer(false)}>
          {texts.value.cancel}
        </button>
      </p>
    </dialog>
  );
}

function Rename({ name }: { name: string }) {
  const t = texts.value.models;
  const to = useSignal<string | undefined>(undefined);
  if (to.value === undefined)
    return (
      <button
        type="button"
        class="quiet"
        onClick={() => {
          to.value = name;
        }}
      >
        {t.rename}
      </button>
    );
  const rename = async () => {
    const chosen = to.value ?? name;
    to.value = undefined;
    if (chosen !== name) await ask(remote().rename({ from: name, to: chosen }));
    await loadModels();
  };
  return (
    <input
      type="text"
      aria-label={t.rename}
      value={to.value}
      onInput={(event) => {
        to.value = event.currentTarget.value;
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') void rename();
        if (event.key === 'Escape') to.value = undefined;
      }}
      onBlur={rename}
    />
  );
}

/** Saves a Blob under a name. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function Download(props: { label: string; name: string; get: () => Promise<Blob> }) {
  return (
    <button
      type="button"
      class="quiet"
      onClick={async () => {
        const blob = await ask(props.get());
        if (blob) saveBlob(blob, props.name);
      }}
    >
      {props.label}
    </button>
  );
}

/** What serves the open model, with its real name. */
function UseIt() {
  const t = texts.value.models;
  const tab = useSignal<'node' | 'edge' | 'page'>('node');
  const variants = useSignal<readonly Variant[]>([]);
  const facts = model.value!;
  const file = `${facts.name?.replace(/\.m3rec$/, '') ?? 'shop'}.m3rec`;
  const code = snippets(file, facts.markets[0].name)[tab.value];
  useEffect(() => {
    variants.value = [];
    ask(remote().variants(undefined)).then((made) => {
      variants.value = made ?? [];
    });
  }, [facts]);
  return (
    <section class="card">
      <h2>{t.use}</h2>
      <Tabs
        label={t.use}
        tabs={t.snippets}
        value={tab.value}
        onChange={(to) => {
          tab.value = to;
        }}
      >
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre class="scroll" tabIndex={0}>
          <code>{code}</code>
        </pre>
        <button
          type="button"
          class="plain"
          onClick={async () => {
            await navigator.clipboard.writeText(code);
            toast.value = { text: texts.value.copied };
          }}
        >
          {t.copy}
        </button>
      </Tabs>
      <h3>{t.variants}</h3>
      <div class="scroll">
        <table>
          <tbody>
            {variants.value.map(({ id, bytes: size, loss }) => (
              <tr key={id}>
                <th scope="row">{t.variant[id]}</th>
                <td class="number">{bytes(size)}</td>
                <td class="number">{loss === undefined ? t.notMeasured : `${t.loss}: ${number(loss, 2)}`}</td>
                <td>
                  <Download
                    label={texts.value.download}
                    name={file.replace('.m3rec', id === 'whole' ? '.m3rec' : `-${id}.m3rec`)}
                    get={() => remote().variant(id)}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Programs that answer with this file. */
export function snippets(file: string, market: string): Record<'node' | 'edge' | 'page', string> {
  const query = `recommender.recommend({ market: ${JSON.stringify(market)}, items: ['…'] }).items`;
  return {
    node: `// npm install m3rec
import { readFile } from 'node:fs/promises';
import { loadModel } from 'm3rec';

const recommender = await loadModel(await readFile('${file}'));
console.log(${query});`,
    edge: `// npm install m3rec; put ${file} beside the worker
import kernels from 'm3rec/kernels.wasm';
import { createHandler, init, loadModel } from 'm3rec';

let handler;
export default {
  async fetch(request, env) {
    if (!handler) {
      await init(kernels);
      const file = await env.ASSETS.fetch(new URL('/${file}', request.url));
      handler = createHandler(await loadModel(new Uint8Array(await file.arrayBuffer())));
    }
    return handler(request);
  },
};`,
    page: `<script type="module">
  import { loadModel } from './m3rec/index.js'; // dist/ of the npm package
  const file = await fetch('${file}');
  const recommender = await loadModel(new Uint8Array(await file.arrayBuffer()));
  console.log(${query});
</script>`,
  };
}

interface Sink {
  write(text: string): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/** A file on disk where the browser can stream to one, else a download of all at the end. */
async function openSink(name: string): Promise<Sink | undefined> {
  const picker = (
    window as { showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle> }
  ).showSaveFilePicker;
  if (picker) {
    try {
      const stream = await (await picker({ suggestedName: name })).createWritable();
      return {
        write: (text) => stream.write(text),
        close: () => stream.close(),
        abort: () => stream.abort(),
      };
    } catch (error) {
      if ((error as Error).name === 'AbortError') return undefined;
      throw error;
    }
  }
  const parts: string[] = [];
  return {
    write: async (text) => {
      parts.push(text);
    },
    close: async () => saveBlob(new Blob(parts, { type: 'text/plain' }), name),
    abort: async () => {},
  };
}

/** The best items of every customer of a market, to a file. */
function Batch() {
  const t = texts.value.models;
  const facts = model.value!;
  const name = useSignal(facts.markets[0].name);
  const k = useSignal(10);
  const format = useSignal<'csv' | 'jsonl'>('csv');
  const done = useSignal<number | undefined>(undefined);
  const wrote = useSignal<string | undefined>(undefined);
  const isStopped = useRef(false);
  if (!facts.hasUsers)
    return (
      <section class="card">
        <h2>{t.batch}</h2>
        <p>{t.noCustomers}</p>
      </section>
    );
  const all = facts.markets.find((each) => each.name === name.value)?.users ?? 0;
  const write = async () => {
    const sink = await ask(openSink(`${name.value}-${k.value}.${format.value}`));
    if (!sink) return;
    isStopped.current = false;
    wrote.value = undefined;
    done.value = 0;
    let [lines, size] = [0, 0];
    for (let from = 0; from >= 0 && !isStopped.current; ) {
      const part = await ask(remote().batch({ market: name.value, k: k.value, format: format.value, from }));
      if (!part) break;
      await sink.write(part.text);
      [lines, size, from] = [lines + part.lines, size + part.text.length, part.next];
      done.value = part.next < 0 ? all : part.next;
    }
    const isWhole = done.value === all;
    await (isWhole ? sink.close() : sink.abort());
    done.value = undefined;
    if (isWhole) wrote.value = t.wrote(number(lines), bytes(size));
  };
  return (
    <section class="card">
      <h2>{t.batch}</h2>
      <p>{t.batchText}</p>
      <div class="row">
        <MarketSelect
          label={texts.value.recommend.market}
          markets={facts.markets.map((each) => each.name)}
          value={name.value}
          onChange={(to) => {
            name.value = to;
          }}
        />
        <label class="field inline">
          <span>{t.best}</span>
          <input
            type="number"
            min={1}
            max={1000}
            value={k.value}
            onChange={(event) => {
              k.value = Math.max(1, Math.min(1000, Math.floor(event.currentTarget.valueAsNumber) || 10));
            }}
          />
        </label>
        <label class="field inline">
          <span>{t.format}</span>
          <select
            value={format.value}
            onChange={(event) => {
              format.value = event.currentTarget.value as 'csv' | 'jsonl';
            }}
          >
            <option value="csv">CSV</option>
            <option value="jsonl">JSON lines</option>
          </select>
        </label>
        {done.value === undefined ? (
          <button type="button" onClick={write}>
            {t.write}
          </button>
        ) : (
          <button
            type="button"
            class="plain"
            onClick={() => {
              isStopped.current = true;
            }}
          >
            {texts.value.cancel}
          </button>
        )}
      </div>
      <p role="status">{done.value !== undefined ? t.writing(number(done.value), number(all)) : (wrote.value ?? '')}</p>
      <span class="sr">{marketName(name.value)}</span>
    </section>
  );
}
