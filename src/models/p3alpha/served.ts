import { servedLinear } from '../linear-served.ts';

export const p3alpha = /* @__PURE__ */ servedLinear('p3alpha', 6);
