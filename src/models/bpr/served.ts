import { servedDot } from '../linear-served.ts';

export const bpr = /* @__PURE__ */ servedDot('bpr', 13);
