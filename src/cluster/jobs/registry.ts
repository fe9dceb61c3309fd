// The jobs of this package. A plan names them; nothing else can run.
import { M3RecError } from '../../common/errors.ts';
import type { JobKind } from '../job-kind.ts';
import { evaluationJob, ranksJob } from './evaluate.ts';
import { adaptJob, embeddingJob } from './m3rec.ts';
import { recommendJob, tableJob } from './recommend.ts';
import { joinJob, nearestJob, orderJob, solveJob } from './similarity.ts';
import { trainJob } from './train.ts';
import { marketJob, vectorsJob } from './transfer.ts';
import { collectJob, workJob } from './work.ts';

const KINDS: readonly JobKind[] = [
  nearestJob,
  orderJob,
  solveJob,
  joinJob,
  marketJob,
  vectorsJob,
  embeddingJob,
  adaptJob,
  trainJob,
  recommendJob,
  tableJob,
  ranksJob,
  evaluationJob,
  workJob,
  collectJob,
];

const find = (name: string, version: number) => KINDS.find((kind) => kind.name === name && kind.version === version);

/** Whether this package has that job. */
export const isKnown = (name: string, version: number): boolean => find(name, version) !== undefined;

/** @throws M3RecError for a job that this package does not have. */
export function kindOf(name: string, version: number): JobKind {
  const kind = find(name, version);
  if (!kind) throw new M3RecError(`this build has no job "${name}" of version ${version}`);
  return kind;
}
