import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { GeneratedData } from '../data/generate.ts';
import { checkPath } from './output-file.ts';
import { attempt } from './system-error.ts';

export { readBytes } from './input.ts';
export { writeFileAtomically } from './output-file.ts';
export { relaxedKernels } from './relaxed.ts';
export { nodeWorkers } from './threads.ts';

/**
 * Writes generated rows in the form that `readDirectory` reads: a folder for each market with train.tsv, valid.tsv and
 * test.tsv.
 * @throws DataError that names the file.
 * @example
 * await writeDirectory('generated', generateMarkets({ users: 500, items: 200, interactions: 4000 }));
 */
export async function writeDirectory(path: string, data: GeneratedData): Promise<void> {
  checkPath(path);
  for (const market of data.markets) {
    const folder = join(path, market.name);
    await attempt(folder, () => mkdir(folder, { recursive: true }));
    for (const split of ['train', 'valid', 'test'] as const) {
      const rows = market[split];
      const target = join(folder, `${split}.tsv`);
      await attempt(target, async () => {
        const file = await open(target, 'w');
        try {
          let text = 'userId\titemId\trating\n';
          for (let row = 0; row < rows.users.length; row++) {
            text += `${market.users[rows.users[row]]}\t${data.items[rows.items[row]]}\t1.0\n`;
            if (text.length > 1 << 16) {
              await file.write(text);
              text = '';
            }
          }
          await file.write(text);
        } finally {
          await file.close();
        }
      });
    }
  }
}
