// The kinds of models as they are served. Training is in registry.ts, so that a page that only recommends bundles none
// of it.

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
import { crossstitch, gmf, marketneumf, mlp, mmoe, multvae, neumf, star } from './served-networks.ts';
import { slim } from './slim/served.ts';
import { transfer } from './transfer/served.ts';

export const SERVED_KINDS: readonly ServedKind[] = [
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
  gmf,
  mlp,
  neumf,
  marketneumf,
  multvae,
  crossstitch,
  mmoe,
  star,
];
