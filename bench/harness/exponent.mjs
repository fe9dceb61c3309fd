/**
 * p of value ∝ size^p by least squares on the logarithms.
 * @param {{ size: number, value: number }[]} points by size
 * @returns {{ slope: number, from: number, to: number } | undefined} undefined with fewer than two sizes
 */
export function exponent(points) {
  if (new Set(points.map(({ size }) => size)).size < 2) return undefined;
  const x = points.map(({ size }) => Math.log(size));
  const y = points.map(({ value }) => Math.log(value));
  const mean = (list) => sum(list) / list.length;
  const mx = mean(x);
  const my = mean(y);
  const slope = sum(x.map((value, i) => (value - mx) * (y[i] - my))) / sum(x.map((value) => (value - mx) ** 2));
  return { slope, from: points[0].size, to: points.at(-1).size };
}

const sum = (list) => list.reduce((total, value) => total + value, 0);
