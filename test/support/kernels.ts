import { embeddedKernels } from '../../src/engine/embedded.ts';
import { embedKernels } from '../../src/engine/init.ts';

embedKernels(embeddedKernels);
