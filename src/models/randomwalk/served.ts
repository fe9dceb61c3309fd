import { servedLinear } from '../linear-served.ts';

export const randomwalk = /* @__PURE__ */ servedLinear('randomwalk', 8);
