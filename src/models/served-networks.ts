// The kinds of networks as they are served: a file of their own in the package, which a bundle without them leaves out.
export { crossstitch } from './crossstitch/served.ts';
export { forec } from './forec/served.ts';
export { gmf } from './gmf/served.ts';
export { marketneumf } from './marketneumf/served.ts';
export { mlp } from './mlp/served.ts';
export { mmoe } from './mmoe/served.ts';
export { multvae } from './multvae/served.ts';
export { neumf } from './neumf/served.ts';
export { star } from './star/served.ts';
