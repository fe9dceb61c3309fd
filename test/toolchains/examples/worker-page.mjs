const worker = new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }) => (globalThis.found = data);
worker.onerror = ({ message }) => (globalThis.found = { error: message || 'the worker could not be loaded' });
