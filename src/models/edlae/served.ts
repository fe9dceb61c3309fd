import { servedLinear } from '../linear-served.ts';

export const edlae = servedLinear('edlae', 11);
