// Lists of ids as options and run files have them. An id may hold commas and outer spaces, so what the model knows
// decides.

type Known = (id: string) => boolean;

/** Parts that an id with commas may be made of. */
const MOST_PARTS = 16;

/**
 * The fields of a list with commas between them; a field in double quotes may hold commas ("" is a quote in it), and
 * one with \, in it holds that comma. Undefined where a field is empty.
 */
export function splitList(text: string): string[] | undefined {
  const quoted = /\s*"((?:[^"]|"")*)"\s*(?=,|$)/y;
  const plain = /(?:\\,|[^,])*/y;
  const fields: string[] = [];
  for (let at = 0; at <= text.length; at++) {
    quoted.lastIndex = at;
    plain.lastIndex = at;
    const inQuotes = quoted.exec(text);
    const match = inQuotes ?? plain.exec(text)!;
    fields.push(inQuotes ? inQuotes[1].replaceAll('""', '"') : match[0].replaceAll('\\,', ','));
    at += match[0].length;
  }
  return fields.some((field) => field.trim() === '') ? undefined : fields;
}

/**
 * The ids that a list names: the whole list, if it is an id; else its fields, those that are none without outer spaces.
 */
export function resolveList(text: string, known: Known): string[] {
  if (text === '') return [];
  return known(text) ? [text] : resolveFields(splitList(text) ?? [], known).map((id) => (known(id) ? id : id.trim()));
}

/**
 * The ids that fields name: each as it is, or without outer spaces, if that is an id; else joined with those after it,
 * if that is one (an id with commas); else as it is.
 */
export function resolveFields(fields: readonly string[], known: Known): string[] {
  const ids: string[] = [];
  for (let from = 0; from < fields.length; ) {
    const { id, to } = longestFrom(fields, from, known);
    ids.push(id);
    from = to;
  }
  return ids;
}

function longestFrom(fields: readonly string[], from: number, known: Known): { id: string; to: number } {
  const either = (text: string) => [text, text.trim()].find(known);
  const single = either(fields[from]);
  if (single !== undefined) return { id: single, to: from + 1 };
  for (let to = Math.min(fields.length, from + MOST_PARTS); to > from + 1; to--) {
    const id = either(fields.slice(from, to).join(','));
    if (id !== undefined) return { id, to };
  }
  return { id: fields[from], to: from + 1 };
}
