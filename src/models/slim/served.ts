import { servedLinear } from '../linear-served.ts';

export const slim = /* @__PURE__ */ servedLinear('slim', 10);
