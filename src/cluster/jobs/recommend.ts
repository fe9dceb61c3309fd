// Recommendations for all users of a model, by ranges of users.
import { ArgumentError, checkChoice } from '../../common/errors.ts';
import { Job } from '../../common/job.ts';
import { decodeModel } from '../../models/file.ts';
import { Recommender } from '../../models/recommender.ts';
import { RECOMMENDATIONS, recommendationRows, USERS_AT_ONCE } from '../../node/recommendation-table.ts';
import { headerText, type TEXT_FORMATS, tableText } from '../../node/table-text.ts';
import type { JobContext, JobInput, JobKind } from '../job-kind.ts';
import { integerOf, rangeOf, textOf } from '../params.ts';
import type { Params } from '../plan.ts';

/** The endings of files that are written in parts. */
export const ENDINGS = ['.csv', '.tsv', '.jsonl'] as const satisfies (keyof typeof TEXT_FORMATS)[];

const endingOf = (params: Params) => checkChoice('params.ending', params.ending, ENDINGS);

/** A model that is open on this machine, from one job to the next. */
export const openModel = (input: JobInput, context: JobContext) =>
  context.warm(
    `model ${input.digest}`,
    async (kernels) => Recommender.ofChecked(decodeModel(await input.bytes()), kernels),
    (recommender) => recommender.close(),
  );

/** Input: a model. Output: the rows of the users `range` of a market, in the form of `ending`, without a header. */
export const recommendJob: JobKind = {
  name: 'recommend',
  version: 1,
  async run(params, [model], context) {
    const ending = endingOf(params);
    const market = textOf(params, 'market');
    const { value: recommender } = await openModel(model, context);
    const users = recommender.model.markets.find(({ name }) => name === market)?.users;
    if (!users) throw new ArgumentError('params.market', market, 'a market of the model, saved with users');
    const [begin, end] = rangeOf(params, users.length);
    const job = new Job({ signal: context.signal, onProgress: context.onProgress });
    const header = (await headerText(RECOMMENDATIONS, ending)).length;
    const k = integerOf(params, 'k', 1);
    let text = '';
    for (let from = begin; from < end; from += USERS_AT_ONCE) {
      const subjects = users.slice(from, Math.min(end, from + USERS_AT_ONCE)).map((user) => ({ market, user }));
      const answers = await recommender.recommendAll(
        subjects.map((subject) => ({ ...subject, k, includeSeen: params.includeSeen === true })),
      );
      text += (await tableText(RECOMMENDATIONS, ending, recommendationRows(subjects, answers))).slice(header);
      await job.tick('recommend', Math.min(end, from + USERS_AT_ONCE) - begin, end - begin);
    }
    return [new TextEncoder().encode(text)];
  },
};

/** Inputs: rows. Output: the table of all of them, in the form of `ending`. */
export const tableJob: JobKind = {
  name: 'table',
  version: 1,
  async run(params, inputs) {
    const parts: Uint8Array[] = [new TextEncoder().encode(await headerText(RECOMMENDATIONS, endingOf(params)))];
    for (const input of inputs) parts.push(await input.bytes());
    return [Buffer.concat(parts)];
  },
};
