import { servedDot } from '../linear-served.ts';

export const lightgcn = servedDot('lightgcn', 14);
