import { servedLinear } from '../linear-served.ts';

export const p3alpha = servedLinear('p3alpha', 6);
