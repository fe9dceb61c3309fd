// The best items of every customer of a market, to a file.
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { ask, remote } from '../client.ts';
import { bytes, marketName, number, texts } from '../format.ts';
import { saveBlob } from '../parts/download.tsx';
import { MarketSelect } from '../parts/market.tsx';
import { model } from '../state.ts';

interface Sink {
  write(text: string): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/**
 * A file on disk where the browser can stream to one; else a file of the browser's own, downloaded at the end, or in memory.
 */
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
  const kept = await ownFile(name).catch(() => undefined);
  if (kept) return kept;
  const parts: string[] = [];
  return {
    write: async (text) => {
      parts.push(text);
    },
    close: async () => saveBlob(new Blob(parts, { type: 'text/plain' }), name),
    abort: async () => {},
  };
}

/** A file of the browser's own store: only what is being written is in memory. @throws where the browser has none */
async function ownFile(name: string): Promise<Sink> {
  const folder = await navigator.storage.getDirectory();
  const file = await folder.getFileHandle('m3rec-batch', { create: true });
  const stream = await file.createWritable();
  return {
    write: (text) => stream.write(text),
    close: async () => {
      await stream.close();
      saveBlob(await file.getFile(), name);
    },
    abort: () => stream.abort(),
  };
}

/** The best items of every customer of a market, to a file. */
export function Batch() {
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
    void ask(remote().endBatch());
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
