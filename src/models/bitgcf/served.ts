import { servedDot } from '../linear-served.ts';

export const bitgcf = /* @__PURE__ */ servedDot('bitgcf', 22);
