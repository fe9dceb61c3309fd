// The page's frame: the bar of views, what is shown below it, and what it says of itself.
import { useEffect, useRef } from 'preact/hooks';
import { LANGUAGES, language, setLanguage, setTheme, texts, theme } from './format.ts';
import { takeDropped } from './given.ts';
import { recover } from './life.ts';
import { acceptDrops } from './parts/drop.tsx';
import { Icon, Mark } from './parts/icons.tsx';
import { route, VIEWS, type View } from './router.ts';
import { device, fault, isReady, toast } from './state.ts';
import { Data } from './views/data.tsx';
import { Look } from './views/look.tsx';
import { Models } from './views/models.tsx';
import { Recommend } from './views/recommend.tsx';
import { Train } from './views/train.tsx';

const VIEW: Record<View, () => preact.JSX.Element> = {
  data: Data,
  train: Train,
  recommend: Recommend,
  look: Look,
  models: Models,
};

export function App() {
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
  useEffect(() => acceptDrops(takeDropped), []);
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
        <span role="status" class="chip">
          {isReady.value ? t.ready : t.starting}
        </span>
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
        <p>{t.offline(Boolean(navigator.serviceWorker?.controller))}</p>
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
