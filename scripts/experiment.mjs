// npm run experiment -- NAME [options]: experiments/NAME.yaml, with its trials and report in experiments/results/NAME.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [name, ...options] = process.argv.slice(2);
const file = `experiments/${name}.yaml`;
if (name === undefined || name.startsWith('-') || !existsSync(new URL(`../${file}`, import.meta.url))) {
  process.stderr.write(
    `npm run experiment -- NAME: found ${name ?? 'none'}, expected a file of experiments/ without .yaml\n`,
  );
  process.exit(2);
}
// the data that the benches use, if the experiment does not generate its own
const data = process.env.M3REC_DATA && name.startsWith('paper/') ? ['--data', process.env.M3REC_DATA] : [];
const output = options.includes('-o') || options.includes('--output') ? [] : ['-o', `experiments/results/${name}`];
const { status } = spawnSync(process.execPath, ['dist/cli.js', 'experiment', file, ...data, ...output, ...options], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
