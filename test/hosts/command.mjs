import { spawn } from 'node:child_process';

/** What a program prints; an error with the end of its stderr where it fails or takes too long. */
export function command(file, args, { seconds, ...options }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 1000 * seconds, ...options });
    const text = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', (chunk) => {
        text[stream] += chunk;
      });
    }
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(text.stdout);
      else
        reject(
          new Error(
            `${file} ${signal ? `was stopped after ${seconds} s` : `ended with exit code ${code}`}: ${(text.stderr.trim() || text.stdout.trim()).slice(-400)}`,
          ),
        );
    });
  });
}
