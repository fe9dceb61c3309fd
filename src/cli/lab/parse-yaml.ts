// In a file of its own, so that only experiments load the parser.
import { LineCounter, parseDocument } from 'yaml';
import { DataError } from '../../common/errors.ts';

/** Aliases are counted, so that a few lines cannot stand for gigabytes. */
const MAX_ALIASES = 100;

/** @throws DataError with the line. */
export function parseYaml(path: string, text: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true });
  const [error] = document.errors;
  if (error) throw new DataError(path, lineCounter.linePos(error.pos[0]).line, `no YAML: ${error.message}`);
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (thrown) {
    throw new DataError(path, undefined, `no YAML: ${(thrown as Error).message}`);
  }
}
