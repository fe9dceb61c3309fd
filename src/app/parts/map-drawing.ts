// Drawing of the map: discs written into an image, without a GPU, and the id of the item below each pixel.
export const MAP_WIDTH = 1200;
export const MAP_HEIGHT = 800;
/** Width of a letter of a label. */
const LETTER = 14;
const MOST_LABELS = 16;

/** What items are coloured by: a market or a category. */
export interface Colouring {
  groups: readonly { key: string; label: string; swatch: string }[];
  /** The group of each item, −1 where it has none. */
  of: ArrayLike<number>;
  /** Whether the names of groups stand on the map. */
  isLabelled: boolean;
}

/** What is seen: its left and top edge in the plane, and pixels of a unit. */
export interface View {
  x: number;
  y: number;
  scale: number;
}

export function fit(at: Float32Array): View {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < at.length; i += 2) {
    left = Math.min(left, at[i]);
    right = Math.max(right, at[i]);
    top = Math.min(top, at[i + 1]);
    bottom = Math.max(bottom, at[i + 1]);
  }
  if (!(right > left)) return { x: -10, y: -10, scale: 40 };
  const scale = 0.92 * Math.min(MAP_WIDTH / (right - left), MAP_HEIGHT / Math.max(1e-6, bottom - top));
  return { x: (left + right) / 2 - MAP_WIDTH / scale / 2, y: (top + bottom) / 2 - MAP_HEIGHT / scale / 2, scale };
}

/** The item nearest to the middle of what is seen. */
export function nearest(
  { items, at }: { items: string[]; at: Float32Array },
  { x, y, scale }: View,
): string | undefined {
  const [cx, cy] = [x + MAP_WIDTH / scale / 2, y + MAP_HEIGHT / scale / 2];
  let [best, least] = [-1, Infinity];
  for (let i = 0; i < items.length; i++) {
    const distance = (at[2 * i] - cx) ** 2 + (at[2 * i + 1] - cy) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return items[best];
}

/** The colour of a class, as the style sheet has it. */
function rgbOf(element: Element, name: string): [number, number, number] {
  const probe = document.createElement('span');
  probe.className = name;
  element.parentElement!.append(probe);
  const [r, g, b] = getComputedStyle(probe)
    .color.match(/[\d.]+/g)!
    .map(Number);
  probe.remove();
  return [r, g, b];
}

export function draw(
  canvas: HTMLCanvasElement,
  ids: Int32Array,
  { items, at }: { items: string[]; at: Float32Array },
  { x: left, y: top, scale }: View,
  { groups, of }: Colouring,
  hidden: ReadonlySet<string>,
  picked: string | undefined,
): void {
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(MAP_WIDTH, MAP_HEIGHT);
  const colours = groups.map(({ swatch }) => rgbOf(canvas, swatch));
  const none = rgbOf(canvas, 'swatch');
  ids.fill(0);
  const radius = items.length > 4000 ? 2 : 3;
  const disc = (i: number, r: number, [red, green, blue]: [number, number, number]) => {
    const [cx, cy] = [Math.round((at[2 * i] - left) * scale), Math.round((at[2 * i + 1] - top) * scale)];
    for (let dy = -r; dy <= r; dy++) {
      for (let dx = -r; dx <= r; dx++) {
        const [px, py] = [cx + dx, cy + dy];
        if (dx * dx + dy * dy > r * r + 1 || px < 0 || py < 0 || px >= MAP_WIDTH || py >= MAP_HEIGHT) continue;
        const pixel = py * MAP_WIDTH + px;
        ids[pixel] = i + 1;
        image.data[4 * pixel] = red;
        image.data[4 * pixel + 1] = green;
        image.data[4 * pixel + 2] = blue;
        image.data[4 * pixel + 3] = 255;
      }
    }
  };
  let last = -1;
  for (let i = 0; i < items.length; i++) {
    if (hidden.has(groups[of[i]]?.key)) continue;
    if (items[i] === picked) last = i;
    disc(i, radius, colours[of[i]] ?? none);
  }
  if (last >= 0) disc(last, 8, rgbOf(canvas, 'picked'));
  context.putImageData(image, 0, 0);
}

/** Where the name of each group goes: the middle of its items, in pixels. */
export function labelsOf(
  { at }: { at: Float32Array },
  { x: left, y: top, scale }: View,
  { groups, of, isLabelled }: Colouring,
  hidden: ReadonlySet<string>,
): { label: string; x: number; y: number }[] {
  if (!isLabelled) return [];
  const sums = groups.map(() => ({ x: 0, y: 0, count: 0 }));
  for (let i = 0; i < of.length; i++) {
    const sum = sums[of[i]];
    if (sum === undefined || hidden.has(groups[of[i]].key)) continue;
    sum.x += at[2 * i];
    sum.y += at[2 * i + 1];
    sum.count++;
  }
  const middles = sums.flatMap(({ x, y, count }, g) =>
    count === 0 ? [] : [{ label: groups[g].label, x: (x / count - left) * scale, y: (y / count - top) * scale, count }],
  );
  const labels: { label: string; x: number; y: number }[] = [];
  // the largest first; a name that would touch another is left out
  for (const { label, x, y } of middles.sort((a, b) => b.count - a.count)) {
    const isFree = labels.every(
      (other) =>
        Math.abs(other.y - y) > 30 || Math.abs(other.x - x) > (LETTER * (other.label.length + label.length)) / 2,
    );
    if (isFree && labels.length < MOST_LABELS) labels.push({ label, x, y });
  }
  return labels;
}
