/**
 * The stages that draw random numbers, each with its own streams under one seed. The numbers are part of every result:
 * none is ever changed or used again.
 */
export const STREAM = {
  walkStarts: 1,
  walks: 2,
  initialCentres: 3,
  initialContexts: 4,
  skipgramNegatives: 5,
  initialLocal: 6,
  users: 7,
  dropout: 9,
  marginNegatives: 10,
  initialFactors: 11,
  interactions: 12,
  pairNegatives: 13,
} as const;
