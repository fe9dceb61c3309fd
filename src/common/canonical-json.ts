/** Deeper values are refused, so that no input can exhaust the stack. */
const MAX_DEPTH = 64;

/**
 * JSON with the keys of every object sorted by UTF-16 code units and no white space: equal values give equal text.
 * Keys whose value is undefined are left out, as JSON.stringify does.
 *
 * @throws RangeError for what JSON cannot hold (NaN, functions, typed arrays, class instances) or nesting beyond 64
 * levels.
 */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) throw new RangeError(`nested deeper than ${MAX_DEPTH} levels`);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((entry) => canonicalJson(entry, depth + 1)).join(',')}]`;
  if (typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    const record = value as Record<string, unknown>;
    const keys = Object.keys(record).filter((key) => record[key] !== undefined);
    return `{${keys
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(record[key], depth + 1)}`)
      .join(',')}}`;
  }
  throw new RangeError(`${typeof value === 'number' ? value : `a value of type ${typeof value}`} has no JSON form`);
}
