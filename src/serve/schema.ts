// The parts of JSON Schema that the description of the service needs. They are functions, so that a bundle without the
// description holds none of it.

export type Schema = Record<string, unknown>;

export const TEXT: Schema = { type: 'string' };
export const NUMBER: Schema = { type: 'number' };
export const INTEGER: Schema = { type: 'integer' };

export function object(properties: Record<string, Schema>, required = Object.keys(properties)): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}

export function array(items: Schema): Schema {
  return { type: 'array', items };
}

export function described(schema: Schema, description: string): Schema {
  return { ...schema, description };
}
