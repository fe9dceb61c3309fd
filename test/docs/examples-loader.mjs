// Preloaded before the examples: modules of kernels, as hosts hand them in that compile beforehand.
import { register } from 'node:module';

register('./loader.mjs', import.meta.url);
