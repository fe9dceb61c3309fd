// The options of a kind of model, from its table.
import { texts } from '../format.ts';
import type { KindFacts, OptionFacts } from '../worker/api.ts';

export type Values = Record<string, number | string | boolean>;

export function Options(props: {
  kind: KindFacts;
  preset: string;
  values: Values;
  onChange: (values: Values) => void;
}) {
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
