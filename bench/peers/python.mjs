// Runs a Python peer: a script of this folder that takes JSON on stdin and prints JSON on its last line.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The first Python that has the modules, or undefined; PYTHON names another one. */
export function pythonWith(...modules) {
  const candidates = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean);
  return candidates.find(
    (command) => spawnSync(command, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' }).status === 0,
  );
}

/**
 * @param {string} python @param {string} script @param {object} input @param {number} threads that the numeric
 * libraries may use
 */
export function runPython(python, script, input, threads) {
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      OPENBLAS_NUM_THREADS: `${threads}`,
      OMP_NUM_THREADS: `${threads}`,
      PYTHONDONTWRITEBYTECODE: '1',
    };
    const child = spawn(python, [fileURLToPath(new URL(script, import.meta.url))], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve(JSON.parse(text.trim().split('\n').at(-1)))
        : reject(new Error(`${script} ended with exit code ${code}`)),
    );
    child.stdin.end(JSON.stringify(input));
  });
}
