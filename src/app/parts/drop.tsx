// Files come in: dropped anywhere in the window, chosen, pasted, or the sample.
import { useSignal } from '@preact/signals';
import { ask, loadTitles, remote } from '../client.ts';
import { texts } from '../format.ts';
import { data, lastRead, placeMarkets } from '../state.ts';
import type { InputFile } from '../worker/api.ts';
import { Icon } from './icons.tsx';

/** Preact's types do not know it. */
const FOLDERS = { webkitdirectory: true };
const PASTED = 'pasted.csv';

/** Files dropped anywhere in the window; the box only lights up. */
export function acceptDrops(take: (files: readonly InputFile[]) => void): () => void {
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
    take(found.length > 0 ? found : Array.from(files ?? [], (file) => ({ path: file.name, file })));
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

/** All files below an entry; a file's path begins with its folders', which name its market. */
async function filesOf(entry: FileSystemEntry, path: string): Promise<InputFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path: `${path}${file.name}`, file }];
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

export function Drop({ onFiles, compact }: { onFiles: (files: readonly InputFile[]) => void; compact: boolean }) {
  const t = texts.value.data;
  const isPasting = useSignal(false);
  const pasted = useSignal('');
  const take = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    onFiles(Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file })));
    // the same files can be chosen again after they were changed
    input.value = '';
  };
  const useTheSample = async () => {
    const facts = await ask(remote().sample({ unlessRead: false }));
    if (!facts) return;
    lastRead.value = undefined;
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
        <label class="button">
          {t.choose}
          <input type="file" multiple class="sr" onChange={take} />
        </label>
        <label class="button plain">
          {t.folder}
          <input type="file" {...FOLDERS} class="sr" onChange={take} />
        </label>
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
          <button type="button" onClick={() => onFiles([{ path: PASTED, file: new File([pasted.value], PASTED) }])}>
            {t.pasteRead}
          </button>
        </div>
      )}
    </section>
  );
}
