// Tabs and segmented controls, with the keys that their patterns have.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** Moves by arrow keys, Home and End; returns the chosen key or undefined. */
function moved<T extends string>(event: KeyboardEvent, keys: readonly T[], now: T): T | undefined {
  const at = keys.indexOf(now);
  const to = {
    ArrowRight: (at + 1) % keys.length,
    ArrowDown: (at + 1) % keys.length,
    ArrowLeft: (at + keys.length - 1) % keys.length,
    ArrowUp: (at + keys.length - 1) % keys.length,
    Home: 0,
    End: keys.length - 1,
  }[event.key];
  if (to === undefined) return undefined;
  event.preventDefault();
  return keys[to];
}

export function Tabs<T extends string>(props: {
  label: string;
  tabs: Record<T, string>;
  value: T;
  onChange: (tab: T) => void;
  children: ComponentChildren;
}) {
  const id = useId();
  const keys = Object.keys(props.tabs) as T[];
  const onKeyDown = (event: KeyboardEvent) => {
    const to = moved(event, keys, props.value);
    if (to === undefined) return;
    props.onChange(to);
    document.getElementById(`${id}-${to}`)?.focus();
  };
  return (
    <>
      <div role="tablist" aria-label={props.label} class="tabs">
        {keys.map((key) => (
          <button
            key={key}
            type="button"
            role="tab"
            id={`${id}-${key}`}
            aria-selected={key === props.value}
            aria-controls={`${id}-panel`}
            tabIndex={key === props.value ? 0 : -1}
            onClick={() => props.onChange(key)}
            onKeyDown={onKeyDown}
          >
            {props.tabs[key]}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${props.value}`}>
        {props.children}
      </div>
    </>
  );
}

/** A choice of few, as radio buttons that look like one control. */
export function Segmented<T extends string>(props: {
  label: string;
  choices: Record<T, string>;
  value: T;
  onChange: (choice: T) => void;
}) {
  const name = useId();
  return (
    <fieldset class="segmented">
      <legend class="sr">{props.label}</legend>
      {(Object.keys(props.choices) as T[]).map((key) => (
        <label key={key}>
          <input type="radio" name={name} checked={key === props.value} onChange={() => props.onChange(key)} />
          <span>{props.choices[key]}</span>
        </label>
      ))}
    </fieldset>
  );
}
