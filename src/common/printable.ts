/** Control characters, line separators, and what turns the direction of text around. */
const CONTROL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const CONTROL_IN_LINES = /(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * The text in one line: control characters as escapes. Ids come from files: none may break a line or reach a terminal
 * as a command.
 */
export function printable(text: string): string {
  return text.replace(CONTROL, escapeOf);
}

/** As `printable`, for a text of several lines: line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(CONTROL_IN_LINES, escapeOf);
}

/** The same JSON in other bytes: characters that JSON text may hold raw, but a terminal may obey, as \u escapes. */
export function printableJson(json: string): string {
  return json.replace(CONTROL_IN_LINES, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function escapeOf(char: string): string {
  return (char > '\u00ff' ? '\\u' : '\\x') + char.charCodeAt(0).toString(16).padStart(2, '0');
}
