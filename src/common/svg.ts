// What drawings share: numbers and text of SVG.

/** 1, 2 or 5 times a power of ten, from a tenth on: about a fifth of the range. */
export function niceStep(range: number): number {
  let step = 0.1;
  for (const factor of [2, 2.5, 2, 2, 2.5, 2, 2, 2.5]) if (step < range / 5) step *= factor;
  return step;
}

/** To a tenth: finer than a pixel. */
export const tenth = (value: number) => Math.round(10 * value) / 10;

/** @param content already quoted @param more attributes */
export const text = (x: number, y: number, content: string, more: string) =>
  `<text x="${tenth(x)}" y="${tenth(y)}" ${more}>${content}</text>`;

/** Text as it may stand in SVG and HTML. */
export const quoted = (content: string) =>
  content.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!);
