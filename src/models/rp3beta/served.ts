import { servedLinear } from '../linear-served.ts';

export const rp3beta = /* @__PURE__ */ servedLinear('rp3beta', 7);
