// Loaded before a program whose live memory a bench wants to know (node --expose-gc --import): on each message it
// collects all garbage and answers what is left, in bytes.
process.on('message', () => {
  // Twice: what the first run finalises, the second one frees.
  globalThis.gc();
  setImmediate(() => {
    globalThis.gc();
    process.send(process.memoryUsage());
  });
});
process.channel.unref();
