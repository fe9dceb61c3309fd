/**
 * `m3rec`: reads interactions, trains, evaluates, recommends and serves, on every host.
 * @module m3rec
 */
import { embeddedKernels } from './engine/embedded.ts';
import { embedKernels } from './engine/init.ts';

export * from './slim.ts';

embedKernels(embeddedKernels);
