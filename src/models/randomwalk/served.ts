import { servedLinear } from '../linear-served.ts';

export const randomwalk = servedLinear('randomwalk', 8);
