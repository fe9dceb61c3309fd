/** The text in one line: control characters and line separators as escapes. Ids come from files: none may break a line or reach a terminal as a command. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (char) => (char > '\u00ff' ? '\\u' : '\\x') + char.charCodeAt(0).toString(16).padStart(2, '0'),
  );
}
