export * from './engine/instantiate.ts';
