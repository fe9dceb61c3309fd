// The page: shell, views, and what happens when it opens.
import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { registerShell, type ShellHandle } from '../browser/offline.ts';
import { startWorker } from './client.ts';
import { applyTheme, LANGUAGES, language, setLanguage, setTheme, texts, theme } from './format.ts';
import { GIVEN } from './given.ts';
import { begin, recover } from './life.ts';
import { Icon, Mark } from './parts/icons.tsx';
import { route, startRouter, VIEWS, type View } from './router.ts';
import { device, fault, toast } from './state.ts';
import { Data } from './views/data.tsx';
import { Look } from './views/look.tsx';
import { Models } from './views/models.tsx';
import { Recommend } from './views/recommend.tsx';
import { Train } from './views/train.tsx';

/** Written by the build: what it is called. */
declare const BUILD: string;

const VIEW: Record<View, () => preact.JSX.Element> = {
  data: Data,
  train: Train,
  recommend: Recommend,
  look: Look,
  models: Models,
};

function App() {
  const t = texts.value;
  const { view = 'recommend' } = route.value;
  const Shown = VIEW[view];
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = t.title(t.views[view]);
    if (!isFirst.current) main.current?.querySelector('h1')?.focus();
    isFirst.current = false;
  }, [view, t]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.querySelector('h1')?.focus()}>
        {t.skip}
      </button>
      <header class="bar">
        <a class="brand" href="#/">
          <Mark /> m3rec
        </a>
        <nav aria-label="m3rec">
          {VIEWS.map((name) => (
            <a key={name} href={`#/${name}`} aria-current={name === view ? 'page' : undefined}>
              <Icon name={name} />
              <span>{t.views[name]}</span>
            </a>
          ))}
        </nav>
        <Settings />
      </header>
      <main id="content" ref={main}>
        {fault.value !== undefined && (
          <div class="problem" role="alert">
            <p>
              {t.workerEnded} {fault.value}
            </p>
            <button type="button" onClick={recover}>
              {t.again}
            </button>
          </div>
        )}
        <Shown />
      </main>
      <Toast />
    </>
  );
}

/** The lock chip: what is stored and how the page runs here. */
function Settings() {
  const t = texts.value.settings;
  const here = device.value;
  return (
    <details class="settings">
      <summary>
        <Icon name="lock" /> <span>{texts.value.local}</span>
      </summary>
      <div class="card popover">
        <h2>{t.title}</h2>
        {here && (
          <>
            <p>{t.threads(here.threads, here.threadsReason)}</p>
            <p>{t.store[here.store]}</p>
          </>
        )}
        <p>{t.offline('serviceWorker' in navigator && navigator.serviceWorker.controller !== null)}</p>
        <label class="field">
          <span>{t.theme}</span>
          <select value={theme.value} onChange={(event) => setTheme(event.currentTarget.value)}>
            {Object.entries(t.themes).map(([key, name]) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>{t.language}</span>
          <select value={language.value} onChange={(event) => setLanguage(event.currentTarget.value)}>
            {Object.entries(LANGUAGES).map(([key, { language: name }]) => (
              <option key={key} value={key} lang={key}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
    </details>
  );
}

const TOAST_MS = 8000;

function Toast() {
  const shown = toast.value;
  useEffect(() => {
    if (!shown || shown.action) return;
    const timer = setTimeout(() => {
      if (toast.value === shown) toast.value = undefined;
    }, TOAST_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  return (
    <div role="status" class="toast" hidden={!shown}>
      {shown?.text}
      {shown?.action && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            shown.action?.run();
            toast.value = undefined;
          }}
        >
          {shown.action.label}
        </button>
      )}
      {shown && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            toast.value = undefined;
          }}
        >
          {shown.action ? texts.value.later : texts.value.close}
        </button>
      )}
    </div>
  );
}

function offerUpdate(shell: ShellHandle): void {
  const t = texts.value;
  toast.value = { text: t.newVersion, action: { label: t.reload, run: () => shell.update() } };
}

const isOld = typeof CSS === 'undefined' || !CSS.supports('color', 'light-dark(red, blue)');
applyTheme();
document.documentElement.lang = language.value;
if (isOld) document.body.prepend(Object.assign(document.createElement('p'), { textContent: texts.value.tooOld }));
startRouter(({ view }) => {
  if (view === undefined && location.hash !== GIVEN) toast.value = { text: texts.value.noPage };
});
startWorker();
render(<App />, document.getElementById('app')!);
void begin();
void registerShell(new URL('./shell.js', document.baseURI), BUILD, offerUpdate);
