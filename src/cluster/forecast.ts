// What a plan will gain from machines: its jobs handed out in order to whoever is free, by their costs.
import type { Plan } from './plan.ts';

export interface Forecast {
  /** Sum of all costs, and the cost of the longest chain of jobs that wait for each other. */
  work: number;
  chain: number;
  /** Time that this number of machines takes, and how many times sooner than one that is. */
  time: number;
  gain: number;
}

/** @param costs of the jobs, if they are known better than the plan does */
export function forecast(
  plan: Plan,
  machines: number,
  costs: readonly number[] = plan.jobs.map(({ cost }) => cost),
): Forecast {
  const chains: number[] = [];
  for (const [number, { inputs }] of plan.jobs.entries())
    chains.push(
      costs[number] +
        inputs.reduce((most, input) => (typeof input === 'string' ? most : Math.max(most, chains[input[0]])), 0),
    );
  const ends: number[] = [];
  const free = new Array<number>(machines).fill(0);
  const startable = (number: number) =>
    plan.jobs[number].inputs.reduce(
      (latest, input) => (typeof input === 'string' ? latest : Math.max(latest, ends[input[0]])),
      0,
    );
  const open = new Set(plan.jobs.keys());
  while (open.size > 0) {
    // the first machine that is free takes the job that it can start soonest
    const machine = free.indexOf(Math.min(...free));
    let best = -1;
    let soonest = Number.POSITIVE_INFINITY;
    for (const number of open) {
      if (plan.jobs[number].inputs.some((input) => typeof input !== 'string' && open.has(input[0]))) continue;
      const start = Math.max(free[machine], startable(number));
      if (start < soonest) {
        best = number;
        soonest = start;
      }
      if (soonest === free[machine]) break;
    }
    ends[best] = soonest + costs[best];
    free[machine] = ends[best];
    open.delete(best);
  }
  const work = costs.reduce((sum, cost) => sum + cost, 0);
  const time = ends.reduce((latest, end) => Math.max(latest, end), 0);
  return {
    work,
    chain: chains.reduce((most, chain) => Math.max(most, chain), 0),
    time,
    gain: time > 0 ? work / time : 1,
  };
}
