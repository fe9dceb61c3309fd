// A web worker that trains; the page hands its message on.
import { answer } from './program.mjs';

answer().then(
  (text) => postMessage({ text }),
  (error) => postMessage({ error: String(error.stack ?? error) }),
);
