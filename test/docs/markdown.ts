import { readFileSync } from 'node:fs';

/** A fenced block of Markdown. */
export interface Block {
  language: string;
  /** What follows the language in the fence. */
  words: string[];
  text: string;
  /** Of the opening fence, 1-based. */
  line: number;
}

export function readBlocks(file: string): Block[] {
  const blocks: Block[] = [];
  let open: (Block & { fence: string; lines: string[] }) | undefined;
  for (const [i, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (open) {
      if (line.trim() === open.fence) {
        const { language, words, lines, line: at } = open;
        blocks.push({ language, words, text: lines.map((text) => `${text}\n`).join(''), line: at });
        open = undefined;
      } else open.lines.push(line);
      continue;
    }
    const [, fence, info] = /^(`{3,})(.*)$/.exec(line) ?? [];
    if (fence === undefined) continue;
    const [language, ...words] = info.trim().split(/\s+/);
    open = { language, words, text: '', line: i + 1, fence, lines: [] };
  }
  if (open) throw new Error(`${file}:${open.line}: the block is not closed`);
  return blocks;
}

/** The file with the text of some blocks replaced, by the line of their fence. */
export function replaceBlocks(file: string, texts: ReadonlyMap<number, string>): string {
  const lines = readFileSync(file, 'utf8').split('\n');
  const result: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    result.push(lines[i]);
    const text = texts.get(i + 1);
    if (text === undefined) continue;
    const [fence] = /^`+/.exec(lines[i])!;
    while (lines[i + 1].trim() !== fence) i++;
    if (text !== '') result.push(...text.replace(/\n$/, '').split('\n'));
  }
  return result.join('\n');
}
