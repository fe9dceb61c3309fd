import { servedLinear } from '../linear-served.ts';

export const rp3beta = servedLinear('rp3beta', 7);
