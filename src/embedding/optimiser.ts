/** Adam's constants (Kingma and Ba, 2015). */
export const BETA1 = 0.9;
export const BETA2 = 0.999;
export const EPSILON = 1e-8;

/**
 * Adam's step sizes with their bias correction, lr √(1 − β₂^t) / (1 − β₁^t) for t = 1, 2, …; products only, so the same
 * bits on every host.
 */
export class AdamRate {
  private power1 = 1;
  private power2 = 1;
  constructor(private readonly learningRate: number) {}

  next(): number {
    this.power1 *= BETA1;
    this.power2 *= BETA2;
    return (this.learningRate * Math.sqrt(1 - this.power2)) / (1 - this.power1);
  }
}
