// The kinds whose scores are sums of terms: similarities, cosines, products of vectors, biases. `loadModel` has these at
// hand, and loads what serves networks if a file holds one.

import { bitgcf } from './bitgcf/served.ts';
import { bpr } from './bpr/served.ts';
import { ease } from './ease/served.ts';
import { edlae } from './edlae/served.ts';
import { ials } from './ials/served.ts';
import { item2vec } from './item2vec/served.ts';
import { itemknn } from './itemknn/served.ts';
import { lightgcn } from './lightgcn/served.ts';
import { m3rec } from './m3rec/served.ts';
import { p3alpha } from './p3alpha/served.ts';
import { popularity } from './popularity/served.ts';
import { randomwalk } from './randomwalk/served.ts';
import { rp3beta } from './rp3beta/served.ts';
import type { ServedKind } from './served-kind.ts';
import { slim } from './slim/served.ts';
import { transfer } from './transfer/served.ts';

export const TERM_KINDS: readonly ServedKind[] = [
  m3rec,
  transfer,
  ease,
  popularity,
  itemknn,
  p3alpha,
  rp3beta,
  randomwalk,
  item2vec,
  slim,
  edlae,
  ials,
  bpr,
  lightgcn,
  bitgcf,
];
