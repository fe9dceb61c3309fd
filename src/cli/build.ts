import type { Command } from 'commander';

/** The version of the package, which names of jobs depend on. */
export const buildOf = (program: Command): string => program.version() ?? '';
