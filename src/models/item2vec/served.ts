import { servedLinear } from '../linear-served.ts';

export const item2vec = servedLinear('item2vec', 9);
