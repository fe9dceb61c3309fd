/**
 * `m3rec/node`: files, folders and worker threads of Node.
 * @module m3rec/node
 */
export * from './node/directory.ts';
export * from './node/files.ts';
export { queryRows } from './node/query-rows.ts';
