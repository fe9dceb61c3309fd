// The licences of what the bundles and the kernels contain, from what esbuild says that it has put in.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Compiled into the kernels, so in no bundle's list: AssemblyScript's standard library. */
const COMPILED_IN = ['assemblyscript'];
/** Packages that come without the text, and where it is: their repository's other package. */
const TEXT_OF = { '@assemblyscript/loader': 'assemblyscript' };

/** Names of the packages in the inputs of esbuild's metafiles. */
export function packagesIn(metafiles) {
  const names = new Set(COMPILED_IN);
  for (const { outputs } of metafiles) {
    for (const { inputs } of Object.values(outputs)) {
      for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
        const [, name] = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
        if (name && bytesInOutput > 0) names.add(name);
      }
    }
  }
  return [...names].sort();
}

/** The text of THIRD-PARTY-NOTICES. @throws Error for a package whose licence is not found. */
export function noticesOf(metafiles) {
  const parts = packagesIn(metafiles).map((name) => {
    const folder = join('node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const texts = textsIn(folder);
    if (texts.length === 0 && TEXT_OF[name]) texts.push(...textsIn(join('node_modules', TEXT_OF[name])));
    if (texts.length === 0) throw new Error(`${name}: no licence text in ${folder}`);
    return `${name} ${version} (${license})\n\n${texts.join('\n\n')}`;
  });
  const rule = '='.repeat(80);
  return `m3rec contains the following packages, bundled or compiled in. Their licences:\n\n${parts
    .map((part) => `${rule}\n${part}\n`)
    .join('\n')}`;
}

const textsIn = (folder) =>
  readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice|copying)([.-]|$)/i.test(file) && existsSync(join(folder, file)))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
