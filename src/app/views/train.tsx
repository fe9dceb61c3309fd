// Train: a kind, its preset and options; stages while they run; what the model finds at the end.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { AbortedError, MemoryError } from '../../common/errors.ts';
import { adoptModel, ask, loadModels, problemOf, remote } from '../client.ts';
import { bytes, duration, marketName, number, texts } from '../format.ts';
import { beginTraining, endTraining, recover } from '../life.ts';
import { QualityChart } from '../parts/charts.tsx';
import { Options, type Values } from '../parts/options.tsx';
import { follow, type Stage, Stages } from '../parts/stages.tsx';
import { Segmented } from '../parts/tabs.tsx';
import { goTo } from '../router.ts';
import { data, kinds, toast, trained } from '../state.ts';
import type { KindFacts, TrainProgress } from '../worker/api.ts';

const STOPS_WITHIN_MS = 1000;
/** The first kinds of the registry; the others are for who compares. */
const USUAL = 4;
/** Whether another tab is training. */
const LOOKS_EVERY_MS = 3000;

export function Train() {
  const t = texts.value.train;
  const kind = useSignal(kinds.value[0]?.name ?? '');
  const preset = useSignal(kinds.value[0]?.presets[0] ?? '');
  const values = useSignal<Values>({});
  const holdOut = useSignal(true);
  const alone = useSignal(true);
  const stages = useSignal<readonly Stage[] | undefined>(undefined);
  const started = useSignal(0);
  const problem = useSignal<string | undefined>(undefined);
  const controller = useSignal<AbortController | undefined>(undefined);
  const elsewhere = useSignal(false);
  useEffect(() => {
    if (kinds.value.length > 0) return;
    ask(remote().kinds()).then((made) => {
      kinds.value = made ?? [];
      kind.value = made?.[0]?.name ?? '';
      preset.value = made?.[0]?.presets[0] ?? '';
    });
  }, []);
  useEffect(() => {
    const look = () => {
      if (controller.value === undefined)
        ask(remote().isTrainingElsewhere()).then((is) => {
          elsewhere.value = is ?? false;
        });
    };
    look();
    const timer = setInterval(look, LOOKS_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  if (!data.value)
    return (
      <>
        <h1 tabIndex={-1}>{t.title}</h1>
        <p>{t.none}</p>
        <p class="buttons">
          <a class="button" href="#/data">
            {t.goData}
          </a>
        </p>
      </>
    );
  const facts = data.value;
  const scarcest = facts.markets[facts.markets.length - 1].name;
  const chosen = kinds.value.find(({ name }) => name === kind.value);

  const run = async () => {
    const stop = new AbortController();
    controller.value = stop;
    problem.value = undefined;
    trained.value = undefined;
    stages.value = [];
    started.value = performance.now();
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    beginTraining();
    try {
      const request = {
        kind: kind.value,
        preset: preset.value || undefined,
        options: values.value,
        holdOut: holdOut.value,
        alone: alone.value && facts.markets.length > 1 ? scarcest : undefined,
      };
      const result = await remote().train(request, {
        signal: stop.signal,
        onProgress: (progress) => {
          stages.value = follow(stages.value ?? [], progress as TrainProgress);
        },
      });
      performance.measure('m3rec-trained', { start: 0, duration: 1000 * result.seconds });
      await adoptModel(result.model, scarcest);
      trained.value = result;
    } catch (error) {
      problem.value =
        error instanceof MemoryError
          ? t.noMemory(error.message)
          : error instanceof AbortedError || stop.signal.aborted
            ? t.cancelled
            : problemOf(error);
    } finally {
      removeEventListener('beforeunload', warn);
      endTraining();
      controller.value = undefined;
    }
  };
  /** A worker that does not stop within a second is ended, and another takes over. */
  const cancel = () => {
    const running = controller.value;
    running?.abort();
    setTimeout(() => {
      if (running && controller.value === running) void recover();
    }, STOPS_WITHIN_MS);
  };
  const choice = (each: KindFacts) => (
    <label key={each.name} class="choice">
      <input
        type="radio"
        name="kind"
        checked={each.name === kind.value}
        onChange={() => {
          kind.value = each.name;
          preset.value = each.presets[0] ?? '';
          values.value = {};
        }}
      />
      <span>
        <strong>{each.name}</strong>
        <br />
        {each.sentence}
      </span>
    </label>
  );
  return (
    <>
      <h1 tabIndex={-1}>{t.title}</h1>
      <p class="lead">{texts.value.data.summary(facts.markets.length, number(facts.purchases))}</p>
      <fieldset class="card choices" disabled={controller.value !== undefined}>
        <legend>{t.kind}</legend>
        {kinds.value.slice(0, USUAL).map(choice)}
        {kinds.value.length > USUAL && (
          <details>
            <summary>{t.moreKinds(kinds.value.length - USUAL)}</summary>
            {kinds.value.slice(USUAL).map(choice)}
          </details>
        )}
        {chosen && chosen.presets.length > 1 && (
          <Segmented
            label={t.preset}
            choices={Object.fromEntries(chosen.presets.map((name) => [name, name]))}
            value={preset.value}
            onChange={(to) => {
              preset.value = to;
              values.value = {};
            }}
          />
        )}
        {facts.heldOut > 0 ? (
          <p>{t.heldOut}</p>
        ) : (
          <label class="inline">
            <input
              type="checkbox"
              checked={holdOut.value}
              onChange={(event) => {
                holdOut.value = event.currentTarget.checked;
              }}
            />{' '}
            {t.holdOut}
          </label>
        )}
        {facts.markets.length > 1 && (
          <label class="inline">
            <input
              type="checkbox"
              checked={alone.value}
              onChange={(event) => {
                alone.value = event.currentTarget.checked;
              }}
            />{' '}
            {t.aloneToo(marketName(scarcest))}
          </label>
        )}
        {chosen && chosen.options.length > 0 && (
          <Options kind={chosen} preset={preset.value} values={values.value} onChange={(v) => (values.value = v)} />
        )}
      </fieldset>
      {elsewhere.value && controller.value === undefined && <p class="note">{t.elsewhere}</p>}
      <p class="buttons sticky">
        {controller.value ? (
          <button type="button" class="plain" onClick={cancel}>
            {texts.value.cancel}
          </button>
        ) : (
          <button type="button" onClick={run} disabled={!chosen}>
            {t.run}
          </button>
        )}
      </p>
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {controller.value && stages.value && <Stages stages={stages.value} since={started.value} />}
      {trained.value && <Result />}
    </>
  );
}

function Result() {
  const t = texts.value.train;
  const metric = useSignal<'hr' | 'mrr' | 'ndcg'>('hr');
  const name = useSignal('shop');
  const result = trained.value!;
  const save = async () => {
    const saved = await ask(remote().save(name.value));
    if (saved === undefined) return;
    toast.value = { text: t.saved(saved) };
    await loadModels();
  };
  return (
    <section>
      <p role="status" class="lead">
        {t.done(duration(result.seconds))} {bytes(result.model.bytes)}
      </p>
      {result.notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
      {Object.keys(result.measured).length > 0 && (
        <>
          <Segmented
            label={t.metric}
            choices={t.metrics}
            value={metric.value}
            onChange={(to) => {
              metric.value = to;
            }}
          />
          <QualityChart measured={result.measured} metric={metric.value} />
        </>
      )}
      <div class="row">
        <label class="field inline">
          <span>{t.saveAs}</span>
          <input
            type="text"
            pattern="[\w\-][\w.\-]*"
            maxLength={60}
            value={name.value}
            onInput={(event) => {
              name.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="button" onClick={save}>
          {t.save}
        </button>
        <button type="button" class="plain" onClick={() => goTo('recommend/others')}>
          {t.use}
        </button>
      </div>
    </section>
  );
}
