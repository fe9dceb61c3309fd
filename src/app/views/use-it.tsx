// Use it: what serves the open model, and its smaller files.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ask, remote } from '../client.ts';
import { bytes, number, texts } from '../format.ts';
import { Download } from '../parts/download.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { data, isSample, model, OPENING, toast } from '../state.ts';
import type { Variant } from '../worker/api.ts';

/** What serves the open model, with its real name. */
export function UseIt() {
  const t = texts.value.models;
  const tab = useSignal<'node' | 'edge' | 'page'>('node');
  const variants = useSignal<readonly Variant[]>([]);
  const facts = model.value!;
  const name = isSample.value ? `sample-${OPENING.market}` : (facts.name?.replace(/\.m3rec$/, '') ?? 'shop');
  const file = `${name}.m3rec`;
  const code = snippets(file, isSample.value ? OPENING.market : facts.markets[0].name)[tab.value];
  const canMeasure = (data.value?.heldOut ?? 0) > 0;
  const isMeasuring = useSignal(false);
  useEffect(() => {
    ask(remote().variants({ measure: false })).then((made) => {
      variants.value = made ?? [];
    });
  }, [facts]);
  const measure = async () => {
    isMeasuring.value = true;
    variants.value = (await ask(remote().variants({ measure: true }))) ?? variants.value;
    isMeasuring.value = false;
  };
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
      {canMeasure && (
        <p class="buttons">
          <button type="button" class="plain" disabled={isMeasuring.value} onClick={measure}>
            {isMeasuring.value ? t.measuring : t.measure}
          </button>
        </p>
      )}
      <div class="scroll">
        <table>
          <tbody>
            {variants.value.map(({ id, bytes: size, loss }) => (
              <tr key={id}>
                <th scope="row">{t.variant[id]}</th>
                <td class="number">{bytes(size)}</td>
                <td class="number">{loss === undefined ? '' : `${t.loss}: ${number(loss, 2)}`}</td>
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

/** As text in a program. */
const quoted = (text: string) => `'${JSON.stringify(text).slice(1, -1).replaceAll("'", "\\'").replaceAll('\\"', '"')}'`;

/** Programs that answer with this file. */
export function snippets(file: string, market: string): Record<'node' | 'edge' | 'page', string> {
  const query = `recommender.recommend({ market: ${quoted(market)}, items: ['…'] }).items`;
  return {
    node: `// npm install m3rec
import { readFile } from ${quoted('node:fs/promises')};
import { loadModel } from ${quoted('m3rec')};

const recommender = await loadModel(await readFile(${quoted(file)}));
console.log(${query});`,
    edge: `// npm install m3rec; put ${file} beside the worker
import kernels from ${quoted('m3rec/kernels.wasm')};
import { createHandler, init, loadModel } from ${quoted('m3rec')};

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
  const file = await fetch(${quoted(file)});
  const recommender = await loadModel(new Uint8Array(await file.arrayBuffer()));
  console.log(${query});
</script>`,
  };
}
