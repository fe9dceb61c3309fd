// Runs train-once.mjs in a child process and hands its stages on.
import { fork } from 'node:child_process';

const script = new URL('../processes/train.mjs', import.meta.url);

/**
 * @param {{ path?: string, options: object, threads?: number, protocols?: string[] }} job
 * @param {(stage: object) => void} onStage
 * @returns {Promise<{ seconds: number, cpuSeconds: number, maxRSS: number, evaluations: object, stages: object[] }>}
 */
export function trainOnce(job, onStage) {
  return new Promise((resolve, reject) => {
    const stages = [];
    let result;
    const child = fork(script, { serialization: 'advanced' });
    child.on('message', ({ stage, done }) => {
      if (done) result = done;
      else {
        stages.push(stage);
        onStage(stage);
      }
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      result
        ? resolve({ ...result, stages })
        : reject(new Error(`training ended with ${signal ?? `exit code ${code}`}`)),
    );
    child.send(job);
  });
}
