// What hosts that compile modules beforehand do: `.wasm` is a WebAssembly.Module, `.m3rec` an ArrayBuffer.
const BYTES = (url) => `(await import('node:fs')).readFileSync(new URL(${JSON.stringify(url)}))`;

export async function load(url, context, next) {
  const expression = url.endsWith('.wasm')
    ? `new WebAssembly.Module(${BYTES(url)})`
    : url.endsWith('.m3rec')
      ? `new Uint8Array(${BYTES(url)}).buffer`
      : undefined;
  if (expression === undefined) return next(url, context);
  return { format: 'module', source: `export default ${expression};`, shortCircuit: true };
}
