// Data: files in, what was recognised, what the markets share.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ask, loadTitles, remote } from '../client.ts';
import { bytes, marketName, number, percent, texts } from '../format.ts';
import { Histogram, OverlapMatrix, SpreadChart } from '../parts/charts.tsx';
import { Icon } from '../parts/icons.tsx';
import { MarketLabel } from '../parts/market.tsx';
import { goTo } from '../router.ts';
import { data, isSample, market, placeMarkets, placeOf } from '../state.ts';
import type { DataFacts, FileSettings, Preview } from '../worker/api.ts';

const SEPARATORS = { auto: '', comma: ',', semicolon: ';', tab: '\t', pipe: '|', space: ' ', colons: '::' };
const ROLES = ['user', 'item', 'market', 'time', 'rating'] as const;
const BINS = ['1', '2', '3', '4', '5', '6–10', '11–20', '21–50', '> 50'];

export function Data() {
  const t = texts.value.data;
  const files = useSignal<readonly File[]>([]);
  const take = (list: readonly File[]) => {
    if (list.length > 0) files.value = list;
  };
  useEffect(() => acceptDrops(take), []);
  return (
    <>
      <h1 tabIndex={-1}>{t.title}</h1>
      {files.value.length > 0 ? (
        <Check
          files={files.value}
          onDone={() => {
            files.value = [];
          }}
        />
      ) : (
        <>
          {data.value && <Facts facts={data.value} />}
          <Drop onFiles={take} compact={data.value !== undefined} />
        </>
      )}
    </>
  );
}

/** Files dropped anywhere in the window; the box only lights up. */
function acceptDrops(take: (files: readonly File[]) => void): () => void {
  const over = (event: DragEvent) => {
    event.preventDefault();
    document.body.classList.add('dragging');
  };
  const leave = (event: DragEvent) => {
    if (event.relatedTarget === null) document.body.classList.remove('dragging');
  };
  const drop = async (event: DragEvent) => {
    event.preventDefault();
    document.body.classList.remove('dragging');
    const { items, files } = event.dataTransfer ?? {};
    // entries must be taken before anything is awaited
    const entries = Array.from(items ?? [], (item) => item.webkitGetAsEntry?.()).filter((entry) => entry != null);
    const found = entries.length > 0 ? (await Promise.all(entries.map((entry) => filesOf(entry, '')))).flat() : [];
    take(found.length > 0 ? found : [...(files ?? [])]);
  };
  addEventListener('dragover', over);
  addEventListener('dragleave', leave);
  addEventListener('drop', drop);
  return () => {
    removeEventListener('dragover', over);
    removeEventListener('dragleave', leave);
    removeEventListener('drop', drop);
  };
}

/** All files below an entry; a file's name begins with its folders', which name its market. */
async function filesOf(entry: FileSystemEntry, path: string): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [path === '' ? file : new File([file], `${path}${file.name}`, { type: file.type })];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const entries: FileSystemEntry[] = [];
  // a reader hands out a hundred entries at a time
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    entries.push(...some);
  }
  const inside = `${path}${entry.name}/`;
  return (await Promise.all(entries.map((each) => filesOf(each, inside)))).flat();
}

function Drop({ onFiles, compact }: { onFiles: (files: readonly File[]) => void; compact: boolean }) {
  const t = texts.value.data;
  const isPasting = useSignal(false);
  const pasted = useSignal('');
  const pick = (folder: boolean) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    if (folder) input.webkitdirectory = true;
    input.addEventListener('change', () => {
      const list = [...(input.files ?? [])];
      onFiles(list.map((file) => (file.webkitRelativePath ? new File([file], file.webkitRelativePath) : file)));
    });
    input.click();
  };
  const useTheSample = async () => {
    const facts = await ask(remote().sample());
    if (!facts) return;
    placeMarkets(facts.markets.map(({ name }) => name));
    data.value = facts;
    await loadTitles();
  };
  return (
    <section class={`drop ${compact ? 'compact' : ''}`}>
      <p class="big">
        <Icon name="file" /> {compact ? t.replace : t.drop}
      </p>
      <p class="hint">{t.dropHint}</p>
      <p class="buttons">
        <button type="button" onClick={() => pick(false)}>
          {t.choose}
        </button>
        <button type="button" class="plain" onClick={() => pick(true)}>
          {t.folder}
        </button>
        <button
          type="button"
          class="plain"
          aria-expanded={isPasting.value}
          onClick={() => {
            isPasting.value = !isPasting.value;
          }}
        >
          {t.paste}
        </button>
        {!data.value?.isSample && (
          <button type="button" class="plain" onClick={useTheSample}>
            {t.useSample}
          </button>
        )}
      </p>
      {isPasting.value && (
        <div>
          <label class="field">
            <span>{t.pasteLabel}</span>
            <textarea
              rows={6}
              value={pasted.value}
              onInput={(event) => {
                pasted.value = event.currentTarget.value;
              }}
            />
          </label>
          <button type="button" onClick={() => onFiles([new File([pasted.value], 'pasted.csv', { type: 'text/csv' })])}>
            {t.pasteRead}
          </button>
        </div>
      )}
    </section>
  );
}

/** The first rows with the recognised columns, which the person can correct before anything is read. */
function Check({ files, onDone }: { files: readonly File[]; onDone: () => void }) {
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
      const facts = await remote().read(
        { files: [...files], settings: [...settings.value], skipBad },
        {
          signal: controller.signal,
          onProgress: ({ stage, done, total }) => {
            progress.value = t.reading(stage, percent(total > 0 ? done / total : 0));
          },
        },
      );
      placeMarkets(facts.markets.map(({ name }) => name));
      data.value = facts;
      isSample.value = false;
      market.value = facts.markets[facts.markets.length - 1].name;
      onDone();
    } catch (error) {
      const { message, file, line, name } = error as Error & { file?: string; line?: number };
      if (name !== 'AbortError') problem.value = { message, file, line };
    } finally {
      progress.value = undefined;
      stop.value = undefined;
    }
  };
  const preview = previews.value[shown.value];
  const usable = previews.value.filter(({ skipped }) => !skipped);
  const size = files.reduce((sum, file) => sum + file.size, 0);
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
              {each.name} {each.skipped ? '–' : each.problem || missing(each).length > 0 ? '!' : '✓'}
            </button>
          ))}
        </p>
      )}
      {preview && (
        <PreviewTable
          preview={preview}
          settings={settings.value[shown.value]}
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

const missing = ({ roles }: Preview) => (['user', 'item'] as const).filter((role) => roles[role] < 0);

function PreviewTable(props: { preview: Preview; settings: FileSettings; onChange: (changed: FileSettings) => void }) {
  const t = texts.value.data;
  const { preview, settings, onChange } = props;
  if (preview.skipped) return <p class="note">{t.leftOut(preview.name)}</p>;
  const roleOf = (column: number) => ROLES.find((role) => preview.roles[role] === column) ?? 'none';
  const give = (column: number, role: string) => {
    const roles = Object.fromEntries(
      ROLES.map((each) => [each, each === role ? column : preview.roles[each] === column ? -1 : preview.roles[each]]),
    ) as Preview['roles'];
    onChange({ roles });
  };
  return (
    <div class="card">
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
        {preview.roles.market < 0 && (
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
      {preview.problem && <p class="problem">{preview.problem}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-label={preview.name}>
        <table>
          <thead>
            <tr>
              {preview.columns.map((column, i) => (
                <th key={`${column}-${i}`} scope="col">
                  <select
                    aria-label={`${column}: ${t.check}`}
                    value={roleOf(i)}
                    onChange={(event) => give(i, event.currentTarget.value)}
                  >
                    {Object.entries(t.roles).map(([role, name]) => (
                      <option key={role} value={role}>
                        {name}
                      </option>
                    ))}
                  </select>
                  <div class="ids">{column}</div>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {preview.rows.map((row, i) => (
              <tr key={`${i}-${row[0]}`}>
                {row.map((cell, c) => (
                  <td key={`${c}-${preview.columns[c]}`} class="ids">
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

/** The paper's Table 1, warnings, overlap, long tails and history lengths. */
function Facts({ facts }: { facts: DataFacts }) {
  const t = texts.value.data;
  const most = Math.max(...facts.markets.map(({ purchases }) => purchases));
  const lengths = BINS.map((_, bin) => facts.markets.reduce((sum, { lengths }) => sum + lengths[bin], 0));
  return (
    <>
      <p class="lead">
        {facts.isSample ? `${texts.value.sampleOf}. ` : ''}
        {t.summary(facts.markets.length, number(facts.purchases))}
      </p>
      {facts.warnings.length > 0 && (
        <details class="warnings">
          <summary>{t.warnings(facts.warnings.length)}</summary>
          <ul>
            {facts.warnings.map(({ file, message }) => (
              <li key={`${file} ${message}`}>{message}</li>
            ))}
          </ul>
        </details>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="scroll card" tabIndex={0} aria-label={t.title}>
        <table>
          <thead>
            <tr>
              {Object.entries(t.columns).map(([column, name]) => (
                <th key={column} scope="col" class={column === 'market' ? '' : 'number'}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {facts.markets.map((each) => (
              <tr key={each.name}>
                <th scope="row">
                  <MarketLabel market={each.name} />
                </th>
                <td class="number">{number(each.users)}</td>
                <td class="number">{number(each.items)}</td>
                <td class="number">
                  <span class="measure">
                    <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                      <rect
                        class={`fill m${placeOf(each.name) + 1}`}
                        width={(100 * each.purchases) / most}
                        height={8}
                      />
                    </svg>
                    {number(each.purchases)}
                  </span>
                </td>
                <td class="number">{number(each.purchases / Math.max(1, each.users), 1)}</td>
                <td class="number">{percent(each.sharedShare)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="buttons">
        <button type="button" onClick={() => goTo('train')}>
          {t.trainOn}
        </button>
        <Titles />
      </p>
      <div class="grid">
        {facts.markets.length > 1 && <OverlapMatrix markets={facts.markets} shared={facts.shared} />}
        <SpreadChart markets={facts.markets} />
        <Histogram title={t.lengths} bins={BINS} counts={lengths} unit={t.columns.users} />
      </div>
      <span class="sr">{facts.markets.map(({ name }) => marketName(name)).join(', ')}</span>
    </>
  );
}

/** An optional file with titles and categories. */
function Titles() {
  const t = texts.value.data;
  return (
    <label class="button plain">
      {t.titles}
      <input
        type="file"
        class="sr"
        aria-describedby="titles-hint"
        onChange={async (event) => {
          const file = event.currentTarget.files?.[0];
          if (!file) return;
          const facts = await ask(remote().readTitles({ file }));
          if (facts) data.value = facts;
          await loadTitles();
        }}
      />
      <span id="titles-hint" class="sr">
        {t.titlesHint}
      </span>
    </label>
  );
}
