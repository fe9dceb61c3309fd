import { servedLinear } from '../linear-served.ts';

export const item2vec = /* @__PURE__ */ servedLinear('item2vec', 9);
