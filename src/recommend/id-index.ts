/**
 * Positions by id. An id that is not there is looked up without its outer blanks: reading data takes ids without them,
 * so `"p1 "` from a command line, a URL or a program means `p1`.
 */
export class IdIndex extends Map<string, number> {
  override get(id: string): number | undefined {
    return super.get(id) ?? super.get(trimmed(id));
  }

  override has(id: string): boolean {
    return super.has(id) || super.has(trimmed(id));
  }
}

/** What a program calls an id may be no text: no id is equal to it, and whoever asks says what is wrong. */
const trimmed = (id: string): string => (typeof id === 'string' ? id.trim() : id);
