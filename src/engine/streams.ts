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
  edgeDropout: 14,
  networkParameters: 32,
  networkOrder: 33,
  networkNegatives: 34,
  networkHistories: 35,
  networkLatent: 36,
  /** This and the next 31: a layer each. */
  networkDropout: 64,
  /** This and the next 63: 16 columns each. */
  messageDropout: 128,
  /** This and those above: a market each. */
  networkSelection: 1024,
} as const;
