/**
 * Positions by id. An unknown id is looked up again without its outer blanks: the readers of data trim ids, so `"p1 "`
 * from a command line, a URL or a program means `p1`.
 */
export class IdIndex extends Map<string, number> {
  override get(id: string): number | undefined {
    return super.get(id) ?? super.get(trimmed(id));
  }

  override has(id: string): boolean {
    return super.has(id) || super.has(trimmed(id));
  }
}

/** A program may pass something other than text as an id. It equals no id, and the caller's check reports it. */
const trimmed = (id: string): string => (typeof id === 'string' ? id.trim() : id);
