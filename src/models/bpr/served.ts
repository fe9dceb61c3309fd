import { servedDot } from '../linear-served.ts';

export const bpr = servedDot('bpr', 13);
