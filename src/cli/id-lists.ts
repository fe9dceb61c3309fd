// Lists of ids in options and run files. An id may hold commas and outer spaces, so the ids of the model decide.

type Known = (id: string) => boolean;

/** Most parts of an id with commas. */
const MOST_PARTS = 16;

/**
 * The fields of a list separated by commas. A field in double quotes may hold commas ("" stands for a quote), and \,
 * stands for a comma. Undefined if a field is empty.
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
 * The ids that a list names: the whole list, if that is an id; else its fields. A field that is not an id loses its
 * outer spaces.
 */
export function resolveList(text: string, known: Known): string[] {
  if (text === '') return [];
  return known(text) ? [text] : resolveFields(splitList(text) ?? [], known).map((id) => (known(id) ? id : id.trim()));
}

/**
 * The ids that fields name. A field stays if it is an id, as it is or without outer spaces. Else it is joined with the
 * fields after it if that gives an id (one with commas). Else it stays.
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
