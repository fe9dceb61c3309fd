// What happens when the page opens.
import { render } from 'preact';
import { registerShell, type ShellHandle } from '../browser/offline.ts';
import { App } from './app.tsx';
import { loadModels, startWorker } from './client.ts';
import { applyTheme, language, texts } from './format.ts';
import { GIVEN } from './given.ts';
import { begin } from './life.ts';
import { adoptLink } from './link.ts';
import { route, startRouter } from './router.ts';
import { scriptUrl } from './script-url.ts';
import { isReady, toast } from './state.ts';

/** Written by the build: what it is called. */
declare const BUILD: string;

function offerUpdate(shell: ShellHandle): void {
  const t = texts.value;
  toast.value = { text: t.newVersion, action: { label: t.reload, run: () => shell.update() } };
}

const isOld = typeof CSS === 'undefined' || !CSS.supports('color', 'light-dark(red, blue)');
applyTheme();
document.documentElement.lang = language.value;
if (isOld) document.body.prepend(Object.assign(document.createElement('p'), { textContent: texts.value.tooOld }));
startRouter((to) => {
  const { view } = to;
  if (isReady.value) adoptLink(to);
  if (view === undefined && location.hash !== GIVEN) toast.value = { text: texts.value.noPage };
});
startWorker();
// takes over what the build rendered
render(<App />, document.getElementById('app')!);
void begin();
if (typeof BroadcastChannel === 'function')
  new BroadcastChannel('m3rec').addEventListener('message', ({ data }) => {
    if (data === 'models-changed' && route.value.view === 'models') void loadModels();
  });
void registerShell(scriptUrl(new URL('./shell.js', document.baseURI)), BUILD, offerUpdate);
