import { servedLinear } from '../linear-served.ts';

export const slim = servedLinear('slim', 10);
