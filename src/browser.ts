/**
 * `m3rec/browser`: calls into a worker, stores for models, and an offline shell, for pages.
 * @module m3rec/browser
 */
export {
  type CallOptions,
  connectCalls,
  type Methods,
  moving,
  type Remote,
  serveCalls,
} from './browser/calls.ts';
export { registerShell, type Shell, type ShellHandle, serveShell } from './browser/offline.ts';
export { openModelStore } from './browser/open-store.ts';
export {
  checkModelName,
  freeName,
  type ModelStore,
  memoryStore,
  QuotaError,
  type StoredModel,
  type StoreUsage,
} from './browser/store.ts';
