import { servedLinear } from '../linear-served.ts';

export const edlae = /* @__PURE__ */ servedLinear('edlae', 11);
