export { shuffle, fillUniform } from './random';
