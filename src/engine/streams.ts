/** The stages that draw random numbers, each with streams of its own under one seed. */
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
  evaluation: 11,
} as const;
