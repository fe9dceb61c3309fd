import type { OptionTable } from '../options.ts';
import { SHARED_OPTIONS } from '../shared-options.ts';

/** Options of every kind that learns by batches of samples. */
export const LEARNING_OPTIONS = {
  ...SHARED_OPTIONS,
  dim: {
    type: 'number',
    min: 16,
    max: 1024,
    integer: true,
    multipleOf: 16,
    default: 128,
    flag: '--dim <n>',
    text: 'Length of all vectors',
  },
  epochs: {
    type: 'number',
    min: 0,
    max: 100_000,
    integer: true,
    default: 20,
    flag: '--epochs <n>',
    text: 'Epochs of training, at most where held-out rows choose the best one',
  },
  batch: {
    type: 'number',
    min: 1,
    max: 1_000_000,
    integer: true,
    default: 1024,
    flag: '--batch <n>',
    text: 'Interactions of a batch, the same share of each market',
  },
  negatives: {
    type: 'number',
    min: 1,
    max: 1000,
    integer: true,
    default: 10,
    flag: '--negatives <n>',
    text: 'Items that the user does not have, drawn anew for each interaction and epoch',
  },
  learningRate: {
    type: 'number',
    min: 1e-8,
    max: 1,
    default: 0.001,
    flag: '--learning-rate <x>',
    text: 'Step size of Adam',
  },
  l2: {
    type: 'number',
    min: 0,
    max: 1,
    default: 0,
    flag: '--l2 <x>',
    text: 'L2 of all parameters, added to their gradients',
  },
} as const satisfies OptionTable;

/** Options of networks with hidden layers. */
export const HIDDEN_OPTIONS = {
  hidden: {
    type: 'number',
    min: 16,
    max: 4096,
    integer: true,
    multipleOf: 16,
    default: 512,
    flag: '--hidden <n>',
    text: 'Units of the first hidden layer; the second has twice as many, the last as many as vectors are long',
  },
  dropout: {
    type: 'number',
    min: 0,
    max: 0.95,
    default: 0.3,
    flag: '--dropout <x>',
    text: 'Share of the inputs of each hidden layer that a step hides',
  },
} as const satisfies OptionTable;
