import { servedLinear } from '../linear-served.ts';

export const itemknn = /* @__PURE__ */ servedLinear('itemknn', 5);
