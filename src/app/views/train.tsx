// Train: a kind, its preset and options; stages while they run; what the model finds at the end.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { AbortedError, MemoryError } from '../../common/errors.ts';
import { ask, loadModels, loadTitles, remote } from '../client.ts';
import { bytes, duration, marketName, number, percent, texts } from '../format.ts';
import { LossLine, QualityChart } from '../parts/charts.tsx';
import { Segmented } from '../parts/tabs.tsx';
import { goTo } from '../router.ts';
import { data, isSample, market, model, toast, trained } from '../state.ts';
import type { KindFacts, OptionFacts } from '../worker/api.ts';

interface Stage {
  name: string;
  done: number;
  total: number;
  losses: number[];
}

type Values = Record<string, number | string | boolean>;

export function Train() {
  const t = texts.value.train;
  const kinds = useSignal<readonly KindFacts[]>([]);
  const kind = useSignal('');
  const preset = useSignal('');
  const values = useSignal<Values>({});
  const holdOut = useSignal(true);
  const alone = useSignal(true);
  const stages = useSignal<readonly Stage[] | undefined>(undefined);
  const started = useSignal(0);
  const problem = useSignal<string | undefined>(undefined);
  const controller = useSignal<AbortController | undefined>(undefined);
  useEffect(() => {
    ask(remote().kinds()).then((made) => {
      kinds.value = made ?? [];
      kind.value = made?.[0]?.name ?? '';
      preset.value = made?.[0]?.presets[0] ?? '';
    });
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
        onProgress: ({ stage, done, total, loss }) => {
          stages.value = follow(stages.value ?? [], { name: stage, done, total, loss });
        },
      });
      trained.value = result;
      model.value = result.model;
      isSample.value = false;
      market.value = scarcest;
      await loadTitles();
    } catch (error) {
      problem.value =
        error instanceof MemoryError
          ? t.noMemory(error.message)
          : error instanceof AbortedError
            ? t.cancelled
            : (error as Error).message;
    } finally {
      removeEventListener('beforeunload', warn);
      controller.value = undefined;
    }
  };
  return (
    <>
      <h1 tabIndex={-1}>{t.title}</h1>
      <p class="lead">{texts.value.data.summary(facts.markets.length, number(facts.purchases))}</p>
      <fieldset class="card choices" disabled={controller.value !== undefined}>
        <legend>{t.kind}</legend>
        {kinds.value.map((each) => (
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
        ))}
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
        {chosen && (
          <Options kind={chosen} preset={preset.value} values={values.value} onChange={(v) => (values.value = v)} />
        )}
      </fieldset>
      <p class="buttons sticky">
        {controller.value ? (
          <button type="button" class="plain" onClick={() => controller.value?.abort()}>
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

/** A report of progress belongs to the last stage of its name; another name begins another stage. */
function follow(
  stages: readonly Stage[],
  { name, done, total, loss }: { name: string; done: number; total: number; loss?: number },
): readonly Stage[] {
  const last = stages[stages.length - 1];
  const before = last?.name === name ? stages.slice(0, -1) : stages;
  const losses = last?.name === name ? last.losses : [];
  return [...before, { name, done, total, losses: loss === undefined ? losses : [...losses, loss] }];
}

function Stages({ stages, since }: { stages: readonly Stage[]; since: number }) {
  const t = texts.value.train;
  const now = stages[stages.length - 1];
  return (
    <section class="card" aria-live="off">
      <ol class="stages">
        {stages.map(({ name, done, total }, i) => {
          const share = total > 0 ? done / total : 0;
          return (
            <li key={`${i} ${name}`}>
              <span>{name}</span>
              <progress
                value={share}
                max={1}
                aria-label={name}
                aria-valuetext={`${t.stage(i + 1, name)}, ${percent(share)}`}
              />
              <span class="number">{percent(share)}</span>
            </li>
          );
        })}
      </ol>
      <p class="hint">{duration((performance.now() - since) / 1000)}</p>
      <p class="sr" role="status">
        {now ? t.stage(stages.length, now.name) : ''}
      </p>
      {now && now.losses.length > 1 && <LossLine title={t.lossOf(now.name)} losses={now.losses} />}
    </section>
  );
}

function Options(props: { kind: KindFacts; preset: string; values: Values; onChange: (values: Values) => void }) {
  const t = texts.value.train;
  const { kind, preset, values, onChange } = props;
  const set = (name: string, value: Values[string] | undefined) => {
    const { [name]: _, ...others } = values;
    onChange(value === undefined ? others : { ...others, [name]: value });
  };
  const changed = Object.keys(values);
  return (
    <details class="options-table">
      <summary>
        {t.options} ({kind.options.length}){changed.length > 0 ? `: ${changed.join(', ')} ${t.changed}` : ''}
      </summary>
      <div class="grid narrow">
        {kind.options.map((option) => (
          <Option
            key={option.name}
            option={option}
            preset={preset}
            value={values[option.name]}
            onChange={(v) => set(option.name, v)}
          />
        ))}
      </div>
      {changed.length > 0 && (
        <button type="button" class="quiet" onClick={() => onChange({})}>
          {t.reset}
        </button>
      )}
    </details>
  );
}

function Option(props: {
  option: OptionFacts;
  preset: string;
  value: Values[string] | undefined;
  onChange: (value: Values[string] | undefined) => void;
}) {
  const { option, preset, value, onChange } = props;
  const standard = option.defaults[preset] ?? option.defaults[''];
  const hint =
    option.min === undefined
      ? option.sentence
      : `${option.sentence} (${texts.value.train.range(String(option.min), String(option.max))})`;
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: each branch is a control
    <label class="field">
      <span>
        {option.name}
        {value === undefined ? '' : ` · ${texts.value.train.changed}`}
      </span>
      {option.type === 'choice' ? (
        <select
          value={String(value ?? standard ?? '')}
          onChange={(event) =>
            onChange(event.currentTarget.value === String(standard) ? undefined : event.currentTarget.value)
          }
        >
          {option.choices?.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : option.type === 'boolean' ? (
        <input
          type="checkbox"
          checked={Boolean(value ?? standard)}
          onChange={(event) =>
            onChange(event.currentTarget.checked === Boolean(standard) ? undefined : event.currentTarget.checked)
          }
        />
      ) : (
        <input
          type="number"
          min={option.min}
          max={option.max}
          step={option.type === 'integer' ? 1 : 'any'}
          value={Number(value ?? standard)}
          onChange={(event) => {
            const to = event.currentTarget.valueAsNumber;
            onChange(Number.isNaN(to) || to === standard ? undefined : to);
          }}
        />
      )}
      <small>{hint}</small>
    </label>
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
