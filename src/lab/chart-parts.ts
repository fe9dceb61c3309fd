// Axes, marks and colours of the drawings of an experiment; light and dark.
import { ln } from '../common/elementary.ts';
import { niceStep, quoted, tenth, text } from '../common/svg.ts';

/** Of lines and dots; readable on white and on near-black, told apart by most colour-blind eyes (Okabe and Ito). */
const LIGHT = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#8a6d00', '#56b4e9', '#7a4fbf', '#666666'];
const DARK = ['#5ab4ee', '#ff8a3d', '#3ecf9f', '#e6a0c8', '#e0c040', '#8fd0ff', '#b79af0', '#aaaaaa'];

const rules = (ink: string, soft: string, line: string, paper: string, colours: readonly string[]) =>
  `.lab .paper{fill:${paper}}.lab .ink{fill:${ink}}.lab .soft{fill:${soft}}.lab .grid{stroke:${line}}.lab .rule{stroke:${ink}}${colours
    .map((colour, i) => `.lab .f${i}{fill:${colour}}.lab .s${i}{stroke:${colour}}`)
    .join('')}`;

/** Colours as classes, so that a page in the dark has others. */
export const CHART_STYLE = `${rules('#111', '#555', '#ddd', '#fff', LIGHT)}@media screen and (prefers-color-scheme:dark){${rules('#eee', '#aaa', '#3a3a3a', '#16181c', DARK)}}`;
export const COLOURS = LIGHT.length;

/** A drawing, whole. */
export function drawing(width: number, height: number, title: string, parts: readonly string[]): string {
  const size = `viewBox="0 0 ${tenth(width)} ${tenth(height)}" width="${tenth(width)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="lab" ${size} font-family="system-ui, sans-serif" font-size="12" role="img">`,
    `<title>${quoted(title)}</title>`,
    '<desc>m3rec experiment</desc>',
    `<style>${CHART_STYLE}</style>`,
    `<rect class="paper" width="${tenth(width)}" height="${tenth(height)}"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

export const heading = (x: number, y: number, content: string) =>
  text(x, y, quoted(content), 'class="ink" font-weight="600"');
export const label = (x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end' = 'start', more = '') =>
  text(x, y, quoted(content), `class="soft" text-anchor="${anchor}"${more}`);
export const line = (x1: number, y1: number, x2: number, y2: number, of: string) =>
  `<line x1="${tenth(x1)}" y1="${tenth(y1)}" x2="${tenth(x2)}" y2="${tenth(y2)}" ${of}/>`;
export const dot = (x: number, y: number, colour: number, r = 3.5) =>
  `<circle cx="${tenth(x)}" cy="${tenth(y)}" r="${r}" class="f${colour % COLOURS}"/>`;
export const path = (points: readonly (readonly [number, number])[], colour: number) =>
  `<polyline points="${points.map(([x, y]) => `${tenth(x)},${tenth(y)}`).join(' ')}" fill="none" class="s${colour % COLOURS}" stroke-width="2"/>`;

/** From values to pixels. */
export interface Scale {
  (value: number): number;
  ticks: { value: number; label: string }[];
}

/** Linear, over round numbers around the values. */
export function linear(values: readonly number[], from: number, to: number): Scale {
  const known = values.filter(Number.isFinite);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const step = niceStep(most - least);
  const low = step * Math.floor(least / step + 1e-9);
  const high = Math.max(low + step, step * Math.ceil(most / step - 1e-9));
  const scale = ((value) => from + ((value - low) / (high - low)) * (to - from)) as Scale;
  const count = Math.round((high - low) / step);
  scale.ticks = Array.from({ length: count + 1 }, (_, i) => {
    const value = low + i * step;
    return { value, label: String(tenth(value)).replace('-', '−') };
  });
  return scale;
}

/** Logarithmic, over whole powers of ten around the values. */
export function logarithmic(values: readonly number[], from: number, to: number): Scale {
  const powers = values.map((value) => ln(Math.max(1e-9, value)) / ln(10));
  const low = Math.floor(Math.min(...powers) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.max(...powers) - 1e-9));
  const scale = ((value) => from + ((ln(Math.max(1e-9, value)) / ln(10) - low) / (high - low)) * (to - from)) as Scale;
  scale.ticks = Array.from({ length: high - low + 1 }, (_, i) => {
    const power = low + i;
    const value = power >= 0 ? Number(`1e${power}`) : 1 / Number(`1e${-power}`);
    return { value, label: power >= 0 ? value.toLocaleString('en-US') : value.toFixed(-power) };
  });
  return scale;
}

/** Lines across at the ticks of a vertical scale, with their numbers at the left. */
export const gridAcross = (scale: Scale, left: number, right: number) =>
  scale.ticks.flatMap(({ value, label: content }) => [
    line(left, scale(value), right, scale(value), 'class="grid"'),
    label(left - 6, scale(value) + 4, content, 'end'),
  ]);

/** Lines down at the ticks of a horizontal scale, with their numbers below. */
export const gridDown = (scale: Scale, top: number, bottom: number) =>
  scale.ticks.flatMap(({ value, label: content }) => [
    line(scale(value), top, scale(value), bottom, 'class="grid"'),
    label(scale(value), bottom + 16, content, 'middle'),
  ]);
