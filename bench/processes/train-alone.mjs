// Trains a model on one thread again and again, and prints the seconds: what one program does while another runs beside it.
import { assembleGenerated, generateMarkets, train } from '../../dist/index.js';

const TIMES = 5;
const data = assembleGenerated(generateMarkets({ seed: 5, users: 6000, items: 2000, interactions: 40_000 }));
await train(data, { threads: 1 });
const begun = performance.now();
for (let time = 0; time < TIMES; time++) await train(data, { threads: 1 });
console.log((performance.now() - begun) / 1000);
