import { servedDot } from '../linear-served.ts';

export const lightgcn = /* @__PURE__ */ servedDot('lightgcn', 14);
