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

export const PAPER_EASE = metrics(
  '48.96/54.95/70.80 30.05/37.92/57.40 31.70/40.13/63.60 33.45/36.63/45.13 16.58/16.93/19.13',
);
export const PAPER_M3REC = metrics(
  '50.24/55.83/73.13 36.41/40.04/60.86 38.75/43.35/66.53 35.00/37.98/48.46 17.93/18.63/22.66',
);

/** The paper's Table 2, MRR, of the systems that bench `lab` trains. */
export const PAPER_SYSTEMS = {
  NeuMF: [41.4, 28.5, 29.17, 27.19, 8.87],
  LightGCN: [43.85, 26.37, 27.14, 28.86, 12.58],
  'Random Walk': [42.87, 25.51, 27.83, 27.51, 13.32],
  EASE: PAPER_EASE.map(([mrr]) => mrr),
  M3Rec: PAPER_M3REC.map(([mrr]) => mrr),
};

/** M3Rec as written by the reference, clean, on another random half of the users; M2 and M3 only. */
export const AS_WRITTEN = [undefined, [34.4, 38.0, 49.3], [38.7, 42.4, 54.1], undefined, undefined];

/** The paper's Table 3, MRR. */
export const PAPER_ABLATION = {
  intra: [47.48, 32.4, 33.01, 33.23, 15.31],
  inter: [48.37, 33.16, 35.66, 33.79, 16.73],
  both: [46.47, 29.1, 31.21, 31.92, 13.1],
};
