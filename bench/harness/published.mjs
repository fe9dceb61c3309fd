// Figures to compare with, MRR / NDCG@10 / HR@10 in %, for the five markets of the XMarket kit: the paper's tables
// (SIGIR 2022, doi 10.1145/3477495.3531839) and a NumPy and PyTorch reference on the same users (negatives differ by
// seed, about ±0.3).

/** The paper's name of each market folder. */
export const PAPER_NAMES = { s2: 'M1', t1: 'M2', s3: 'M3', t2: 'M4', s1: 'M5' };

const metrics = (text) => text.split(' ').map((cell) => cell.split('/').map(Number));

/** Per protocol and λ. */
export const EASE_REFERENCE = {
  clean: {
    25: metrics('62.46/64.94/72.30 49.61/52.88/62.69 52.09/55.66/66.10 42.22/43.73/48.39 17.99/18.82/21.50'),
    50: metrics('62.43/64.95/72.41 48.99/52.41/62.69 51.82/55.49/66.29 42.32/43.95/49.01 18.13/19.09/22.21'),
  },
  'as-published': {
    25: metrics('47.05/52.96/70.87 34.40/40.63/60.39 42.91/48.11/64.06 36.35/39.05/47.34 14.46/16.09/21.18'),
    50: metrics('47.98/53.73/71.16 34.94/41.06/60.46 43.88/48.93/64.48 37.28/39.88/47.92 15.06/16.66/21.71'),
  },
};

/** Entries of B ≥ 0.01 at λ = 25. */
export const ENTRIES_REFERENCE = 1_029_657;

/** The paper's Table 2. */
export const PAPER_TABLE_2 = {
  NeuMF: metrics('41.40/46.31/62.73 28.50/34.84/55.60 29.17/36.57/60.40 27.19/29.83/40.33 8.87/9.01/12.26'),
  LightGCN: metrics('43.85/48.30/64.73 26.37/32.70/52.13 27.14/34.22/56.26 28.86/31.03/41.14 12.58/13.16/17.13'),
  'Random Walk': metrics('42.87/48.05/64.66 25.51/31.10/50.20 27.83/34.89/57.53 27.51/30.08/39.20 13.32/14.07/17.73'),
  EASE: metrics('48.96/54.95/70.80 30.05/37.92/57.40 31.70/40.13/63.60 33.45/36.63/45.13 16.58/16.93/19.13'),
  'Cross-Stitch': metrics('44.37/49.15/64.46 32.61/36.65/54.06 34.13/39.13/59.46 27.47/29.16/38.93 11.75/12.51/17.06'),
  MMoE: metrics('45.36/48.98/65.73 34.78/38.71/56.26 36.48/41.30/61.53 28.55/30.16/38.60 11.29/11.79/16.66'),
  'Bi-TGCF': metrics('45.29/50.46/66.86 27.31/33.43/53.46 28.55/35.77/58.73 30.18/32.76/42.26 13.78/14.42/17.86'),
  STAR: metrics('41.66/46.57/62.93 30.87/35.25/54.89 33.43/37.09/60.80 27.30/29.84/40.20 11.10/12.48/16.60'),
  FOREC: metrics('48.26/52.05/65.06 35.89/40.03/58.42 36.57/41.88/64.13 31.61/33.52/41.60 12.50/13.19/17.46'),
  M3Rec: metrics('50.24/55.83/73.13 36.41/40.04/60.86 38.75/43.35/66.53 35.00/37.98/48.46 17.93/18.63/22.66'),
};

export const PAPER_EASE = PAPER_TABLE_2.EASE;
export const PAPER_M3REC = PAPER_TABLE_2.M3Rec;

/** M3Rec as written by the reference, clean, on another random half of the users; M2 and M3 only. */
export const AS_WRITTEN = [undefined, [34.4, 38.0, 49.3], [38.7, 42.4, 54.1], undefined, undefined];

/** The paper's Table 3, MRR. */
export const PAPER_ABLATION = {
  intra: [47.48, 32.4, 33.01, 33.23, 15.31],
  inter: [48.37, 33.16, 35.66, 33.79, 16.73],
  both: [46.47, 29.1, 31.21, 31.92, 13.1],
};

/** The paper's Table 4, MRR by item: sold in other markets too, or not. */
export const PAPER_GROUPS = {
  M3Rec: { shared: [46.15, 34.72, 36.63, 32.52, 26.03], own: [61.32, 37.42, 45.31, 42.77, 11.5] },
  'without both': { shared: [41.47, 28.62, 27.9, 28.37, 14.63], own: [60.0, 30.86, 44.36, 38.13, 9.51] },
};
