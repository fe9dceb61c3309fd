// Models: what is saved, and comparing two.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { adoptModel, ask, loadModels, problemOf, remote } from '../client.ts';
import { bytes, date, number, signed, texts } from '../format.ts';
import { DifferenceChart } from '../parts/charts.tsx';
import { Download } from '../parts/download.tsx';
import { data, model, saved, toast, usage } from '../state.ts';
import type { Comparison, ModelFacts } from '../worker/api.ts';
import { Batch } from './batch.tsx';
import { UseIt } from './use-it.tsx';

export function Models() {
  const t = texts.value.models;
  const picked = useSignal<readonly string[]>([]);
  const comparison = useSignal<{ a: string; b: string; rows: readonly Comparison[] } | undefined>(undefined);
  const removing = useSignal<string | undefined>(undefined);
  useEffect(() => {
    void loadModels();
  }, []);
  const problem = useSignal<string | undefined>(undefined);
  const open = async (from: { name: string } | { file: File }) => {
    problem.value = undefined;
    let facts: ModelFacts;
    try {
      facts = await remote().open(from);
    } catch (error) {
      const what = problemOf(error);
      problem.value = what !== undefined && 'file' in from ? `${from.file.name}: ${what}` : what;
      return;
    }
    await adoptModel(facts);
    toast.value = { text: t.opened(facts.name ?? facts.kind) };
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
                {each.facts?.gain && ` · ${t.gainOf(signed(each.facts.gain.points), number(each.facts.gain.error, 1))}`}
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
        {saved.value.length > 1 && (
          <button type="button" class="plain" disabled={picked.value.length !== 2 || !data.value} onClick={compare}>
            {t.compare(picked.value.length)}
          </button>
        )}
      </p>
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
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
