import { servedLinear } from '../linear-served.ts';

export const itemknn = servedLinear('itemknn', 5);
