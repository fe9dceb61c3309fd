// Numbers and words by the page's language, in the view only.
import { computed, signal } from '@preact/signals';
import { de } from './texts/de.ts';
import { en, type Texts } from './texts/en.ts';

export const LANGUAGES: Record<string, Texts> = { en, de };
const KEPT = 'm3rec:language';

/** Some hosts say "C", which Intl refuses. */
function systemLanguage(): string {
  try {
    return Intl.getCanonicalLocales(navigator.language)[0].slice(0, 2);
  } catch {
    return 'en';
  }
}

const recalled = (key: string) => {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
};
const remember = (key: string, value: string) => {
  try {
    localStorage.setItem(key, value);
  } catch {
    // a window that keeps nothing
  }
};

const first = recalled(KEPT) ?? systemLanguage();
export const language = signal(Object.hasOwn(LANGUAGES, first) ? first : 'en');
export const texts = computed(() => LANGUAGES[language.value]);

export function setLanguage(to: string): void {
  language.value = to;
  remember(KEPT, to);
  document.documentElement.lang = to;
}

const THEME = 'm3rec:theme';
export const theme = signal(recalled(THEME) ?? 'auto');
export function setTheme(to: string): void {
  theme.value = to;
  remember(THEME, to);
  applyTheme();
}
export function applyTheme(): void {
  if (theme.value === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

const REMEMBERS = 'm3rec:remembers';
/** Whether data that are read are kept for the next visit. */
export const remembers = signal(recalled(REMEMBERS) !== 'no');
export function setRemembers(to: boolean): void {
  remembers.value = to;
  remember(REMEMBERS, to ? 'yes' : 'no');
}

const locale = () => texts.value.locale;
export const number = (value: number, digits = 0) =>
  value.toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
/** A share of 1 as a percentage with one decimal, without its sign. */
export const points = (share: number) => number(100 * share, 1);
export const percent = (share: number, digits = 0) =>
  share.toLocaleString(locale(), { style: 'percent', maximumFractionDigits: digits });
export const signed = (value: number) =>
  value.toLocaleString(locale(), { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: 'exceptZero' });

/** Bytes in kB, MB or GB of 1000. */
export function bytes(count: number): string {
  const [unit, by] = count < 1e6 ? ['kB', 1e3] : count < 1e9 ? ['MB', 1e6] : ['GB', 1e9];
  const value = count / by;
  return `${number(value, value < 10 ? 1 : 0)} ${unit}`;
}

/** Seconds, rounded to five above ten. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${number(seconds, 1)} s`;
  const rounded = 5 * Math.round(seconds / 5);
  return rounded < 120 ? `${number(rounded)} s` : `${number(rounded / 60)} min`;
}

export const date = (milliseconds: number) =>
  new Date(milliseconds).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'short' });

/** Names of the sample's markets; others are called as they are. */
export const marketName = (name: string): string => {
  const region = { us: 'US', uk: 'GB', de: 'DE', jp: 'JP', in: 'IN' }[name];
  if (!region || typeof Intl.DisplayNames !== 'function') return name;
  return new Intl.DisplayNames(locale(), { type: 'region' }).of(region) ?? name;
};

/** A difference that is less than two of its errors is none that can be told. */
export const isClear = (difference: number, error: number) => Math.abs(difference) >= 2 * error;
