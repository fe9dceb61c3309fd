// The JSON schema of an experiment's file, for editors: names, ranges and choices come from the tables of options.
import { METRICS } from '../evaluate/metrics.ts';
import type { ModelKind } from '../models/kind.ts';
import type { OptionSpec } from '../models/options.ts';
import { KINDS } from '../models/registry.ts';
import { GENERATED_NAMES, ROW_NAMES, SPLIT_NAMES } from './experiment.ts';

type Schema = Record<string, unknown>;

const whole = (minimum: number, maximum: number, description: string): Schema => ({
  type: 'integer',
  minimum,
  maximum,
  description,
});
const object = (properties: Record<string, Schema>, required: string[] = [], description?: string): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
  ...(description !== undefined && { description }),
});
const list = (items: Schema, description: string): Schema => ({ type: 'array', items, minItems: 1, description });
const text = (description: string): Schema => ({ type: 'string', minLength: 1, description });
const flag = (description: string): Schema => ({ type: 'boolean', description });
const named = (names: readonly string[], description: string): Schema =>
  object(Object.fromEntries(names.map((name) => [name, {}])), [], description);
const METRIC: Schema = { enum: METRICS.map(({ name }) => name) };
const SEED = whole(0, 0xffffffff, '0 … 2³² − 1');

/**
 * The schema of an experiment (JSON Schema, draft 7), as `experiment.schema.json` of the package has it.
 * @example
 * experimentSchema().required; // → ['models']
 */
export function experimentSchema(): Schema {
  const values = new Values();
  const models = KINDS.map((kind) => modelSchema(kind, values));
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'https://unpkg.com/m3rec/dist/experiment.schema.json',
    title: 'An experiment of m3rec',
    ...object(
      {
        $schema: { type: 'string' },
        title: text('At the head of the report'),
        about: { type: 'string', description: 'What a reader should know, in plain sentences' },
        data: {
          description: 'Files or folders, from the place of this file; --data of the command line goes before it',
          anyOf: [
            { type: 'string', minLength: 1 },
            { type: 'array', items: { type: 'string' }, minItems: 1 },
            object({ generated: named(GENERATED_NAMES, 'What generateMarkets takes') }, ['generated']),
          ],
        },
        rows: named(ROW_NAMES, 'How to read: what readDirectory takes, as minRating'),
        split: named(SPLIT_NAMES, 'For data that comes unsplit: what splitMarkets takes, as method: last'),
        markets: { type: 'array', items: { type: 'string' }, description: 'These markets only' },
        heldOut: text('Which held-out rows. Default: valid'),
        halves: flag('Whether one half of the users chooses options and the other half is reported. Default: true'),
        models: list({ oneOf: models }, 'What is trained'),
        seeds: list(SEED, 'Of models that are random. Default: 1'),
        protocols: list(
          { anyOf: [{ enum: ['clean', 'as-published', 'full'] }, PROTOCOL] },
          'How held-out items are ranked. Default: clean',
        ),
        metrics: list(METRIC, 'What the tables have. Default: mrr, ndcg, hr'),
        k: list(whole(1, 0x7fffffff, 'a cut-off'), 'Cut-offs of the metrics. Default: 10'),
        select: object(
          { metric: METRIC, k: whole(1, 0x7fffffff, 'one of k'), protocol: text('one of protocols') },
          [],
          'What options are chosen by. Default: mrr, at the first k, under the first protocol',
        ),
        groups: flag('Whether to report by groups of rows. Default: true'),
        lists: whole(0, 0x7fffffff, 'Users of each market whose lists are looked at, for coverage. Default: 500'),
        baseline: text('The model, by name, that the others are tested against. Default: the best'),
      },
      ['models'],
    ),
    definitions: values.definitions,
  };
}

/** The values of options, each written once: kinds share most of them. */
class Values {
  readonly definitions: Record<string, Schema> = {};
  private readonly names = new Map<string, string>();

  /** @param option its name, from which that of the definition is made */
  ref(option: string, schema: Schema): Schema {
    const text = JSON.stringify(schema);
    let name = this.names.get(text);
    if (name === undefined) {
      name = option;
      for (let i = 2; Object.hasOwn(this.definitions, name); i++) name = `${option}-${i}`;
      this.names.set(text, name);
      this.definitions[name] = schema;
    }
    return { $ref: `#/definitions/${name}` };
  }
}

const PROTOCOL = object(
  {
    name: text('In tables'),
    protocol: { enum: ['clean', 'as-published', 'lists'] },
    negatives: { anyOf: [whole(1, 0x7fffffff, 'sampled items'), { const: 'all' }] },
    seed: SEED,
    repeat: flag('Customers buy again'),
    lists: {
      type: 'object',
      additionalProperties: { type: 'string', minLength: 1 },
      description: 'Run files by market: user<TAB>item,item,…',
    },
  },
  ['name', 'protocol'],
);

function modelSchema({ name, title, options, selects }: ModelKind, shared: Values): Schema {
  const own = Object.entries(options);
  const values = Object.fromEntries(own.map(([option, spec]) => [option, shared.ref(option, optionSchema(spec))]));
  const grid = object(
    Object.fromEntries(
      Object.entries(values).map(([option, each]) => {
        const several = { type: 'array', items: each, minItems: 1 };
        return [option, shared.ref(`${option}-values`, several)];
      }),
    ),
  );
  return object(
    {
      model: { const: name, description: title },
      name: text('In tables. Default: the kind'),
      options: object(values, [], 'Options that all trials have'),
      grid: { anyOf: [grid, { type: 'array', items: grid, minItems: 1 }] },
      seeds: list(SEED, 'Instead of those of the experiment'),
      ...(selects && { selectEpoch: flag('Whether the rows that choose options choose the best epoch too') }),
      cost: { type: 'number', minimum: 0, maximum: 1e9, description: 'About how many seconds a trial takes' },
    },
    ['model'],
  );
}

function optionSchema(spec: OptionSpec): Schema {
  if (spec.type === 'choice') return { enum: [...spec.choices], description: spec.text };
  const { min: minimum, max: maximum, integer, multipleOf } = spec;
  return {
    type: integer ? 'integer' : 'number',
    minimum,
    maximum,
    ...(multipleOf && { multipleOf }),
    description: spec.text,
  };
}
