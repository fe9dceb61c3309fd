// The first rows of the files, with what was recognised of them: corrected here before anything is read.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ask, keepData, loadTitles, plainly, problemOf, remote } from '../client.ts';
import { bytes, percent, remembers, texts } from '../format.ts';
import { Table } from '../parts/figure.tsx';
import { data, lastRead, market, placeMarkets } from '../state.ts';
import type { FileSettings, InputFile, Preview } from '../worker/api.ts';

const SEPARATORS = { auto: '', comma: ',', semicolon: ';', tab: '\t', pipe: '|', space: ' ', colons: '::' };
const ROLES = ['user', 'item', 'market', 'time', 'rating'] as const;

/** The first rows with the recognised columns, which the person can correct before anything is read. */
export function Check({ files, onDone }: { files: readonly InputFile[]; onDone: () => void }) {
  const t = texts.value.data;
  const settings = useSignal<readonly FileSettings[]>(files.map(() => ({})));
  const previews = useSignal<readonly Preview[]>([]);
  const shown = useSignal(0);
  const progress = useSignal<string | undefined>(undefined);
  const problem = useSignal<{ message: string; file?: string; line?: number } | undefined>(undefined);
  const stop = useSignal<AbortController | undefined>(undefined);
  useEffect(() => {
    ask(remote().preview({ files: [...files], settings: [...settings.value] })).then((made) => {
      previews.value = made ?? [];
    });
  }, [files, settings.value]);
  const change = (index: number, changed: FileSettings) => {
    settings.value = settings.value.map((each, i) => (i === index ? { ...each, ...changed } : each));
  };
  const read = async (skipBad: boolean) => {
    const controller = new AbortController();
    stop.value = controller;
    problem.value = undefined;
    try {
      const request = { files: [...files], settings: [...settings.value], skipBad };
      const facts = await remote().read(request, {
        signal: controller.signal,
        onProgress: ({ done, total }) => {
          progress.value = t.reading(percent(total > 0 ? done / total : 0));
        },
      });
      lastRead.value = request;
      placeMarkets(facts.markets.map(({ name }) => name));
      data.value = facts;
      await loadTitles();
      market.value = facts.markets[facts.markets.length - 1].name;
      onDone();
      if (remembers.value) void keepData();
    } catch (error) {
      const { file, line } = error as { file?: string; line?: number };
      const message = problemOf(error);
      if (message !== undefined) problem.value = { message, file, line };
    } finally {
      progress.value = undefined;
      stop.value = undefined;
    }
  };
  const preview = previews.value[shown.value];
  const usable = previews.value.filter(({ skipped }) => !skipped);
  const size = files.reduce((sum, { file }) => sum + file.size, 0);
  return (
    <section>
      <h2>{t.check}</h2>
      {files.length > 1 && (
        <p class="buttons">
          {previews.value.map((each, i) => (
            <button
              key={each.name}
              type="button"
              class={`pill ${i === shown.value ? 'chosen' : ''}`}
              aria-pressed={i === shown.value}
              onClick={() => {
                shown.value = i;
              }}
            >
              {each.name} {each.skipped ? '–' : each.problem || (!each.isItems && missing(each).length > 0) ? '!' : '✓'}
            </button>
          ))}
        </p>
      )}
      {preview && (
        <PreviewTable
          preview={preview}
          settings={settings.value[shown.value]}
          isQuiet={problem.value !== undefined}
          onChange={(changed) => change(shown.value, changed)}
        />
      )}
      {problem.value && (
        <div class="problem" role="alert">
          <p>{problem.value.message}</p>
          <p class="buttons">
            {problem.value.line !== undefined && (
              <button type="button" class="plain" onClick={() => read(true)}>
                {t.skipBad}
              </button>
            )}
            <button type="button" class="plain" onClick={onDone}>
              {t.another}
            </button>
          </p>
        </div>
      )}
      <p class="buttons">
        {stop.value ? (
          <>
            <span role="status">{progress.value}</span>
            <button type="button" class="plain" onClick={() => stop.value?.abort()}>
              {texts.value.cancel}
            </button>
          </>
        ) : (
          <>
            <button type="button" disabled={usable.length === 0} onClick={() => read(false)}>
              {t.read(usable.length, bytes(size))}
            </button>
            <button type="button" class="plain" onClick={onDone}>
              {texts.value.cancel}
            </button>
          </>
        )}
      </p>
    </section>
  );
}

const missing = ({ roles }: Preview) => (['user', 'item'] as const).filter((role) => roles[role] === undefined);

function PreviewTable(props: {
  preview: Preview;
  settings: FileSettings;
  /** What is wrong is said below. */
  isQuiet: boolean;
  onChange: (changed: FileSettings) => void;
}) {
  const t = texts.value.data;
  const { preview, settings, onChange } = props;
  if (preview.isItems) return <p class="hint">{t.items(preview.name)}</p>;
  if (preview.skipped) return <p class="note">{t.leftOut(preview.name)}</p>;
  const give = (role: string, column: string) => {
    const { [role]: _, ...others } = settings.columns ?? {};
    onChange({ columns: column === '' ? others : { ...others, [role]: column } });
  };
  return (
    <div class="card">
      <p class="hint">{preview.how}</p>
      <div class="row">
        <label class="field inline">
          <span>{t.separator}</span>
          <select
            value={settings.delimiter ?? ''}
            onChange={(event) => onChange({ delimiter: event.currentTarget.value || undefined })}
          >
            {Object.entries(SEPARATORS).map(([name, value]) => (
              <option key={name} value={value}>
                {t.separators[name as keyof typeof t.separators]}
              </option>
            ))}
          </select>
        </label>
        <label class="inline">
          <input
            type="checkbox"
            checked={preview.header}
            onChange={(event) => onChange({ header: event.currentTarget.checked })}
          />{' '}
          {t.header}
        </label>
      </div>
      <div class="row">
        {preview.columns.length > 0 &&
          ROLES.map((role) => (
            <label key={role} class="field inline">
              <span>{t.roles[role]}</span>
              <select
                value={settings.columns?.[role] ?? preview.roles[role] ?? ''}
                onChange={(event) => give(role, event.currentTarget.value)}
              >
                <option value="">{t.roles.none}</option>
                {preview.columns.map((column, i) => (
                  <option key={`${column}-${i}`} value={preview.header ? column : String(i + 1)}>
                    {column}
                  </option>
                ))}
              </select>
            </label>
          ))}
        {preview.roles.market === undefined && (
          <label class="field inline">
            <span>{t.marketOf}</span>
            <input
              type="text"
              value={settings.market ?? ''}
              onInput={(event) => onChange({ market: event.currentTarget.value || undefined })}
            />
          </label>
        )}
      </div>
      {missing(preview).map((role) => (
        <p key={role} class="problem" role="alert">
          {t.missing(t.roles[role], preview.name)}
        </p>
      ))}
      {preview.problem && !props.isQuiet && <p class="problem">{plainly(preview.problem)}</p>}
      {preview.rows.length > 0 && (
        <Table
          caption={preview.name}
          head={[t.roles.user, t.roles.item, t.roles.market].slice(0, preview.rows[0].length)}
          rows={preview.rows}
          isText
        />
      )}
    </div>
  );
}
