// Honest timing, in processor time of one thread, so that other work on the machine counts little: every side is warmed up,
// then the sides take turns in one process until each has run for at least MIN_SECONDS and MIN_RUNS times; the median run
// counts. What a run returns goes into a sink, so that no engine can drop the work.

const MIN_SECONDS = 0.3;
const MIN_RUNS = 5;
/**
 * A side keeps its turn this long, so that a fast side is not measured with caches that a slow one has just emptied.
 */
const TURN_SECONDS = 0.06;

let sink = 0;

/** The sum of all that was measured: print or store it. */
export const drained = () => sink;

/**
 * @param {{ run: () => number | void, reset: () => void }[]} sides `reset` puts the inputs back before each run,
 * untimed.
 * @returns {{ seconds: number, runs: number }[]} median time of a run, per side.
 */
export function measure(sides) {
  const times = sides.map(() => []);
  const spent = sides.map(() => 0);
  const once = ({ run, reset }) => {
    reset();
    const start = processorSeconds();
    const value = run();
    const seconds = processorSeconds() - start;
    sink = (sink + (Number(value) || 0)) % 1e9;
    return seconds;
  };
  for (const side of sides) {
    let warm = 0;
    for (let run = 0; run < 2 || (warm < TURN_SECONDS && run < 1000); run++) warm += once(side);
  }
  const open = (i) => spent[i] < MIN_SECONDS || times[i].length < MIN_RUNS;
  while (sides.some((_, i) => open(i))) {
    for (const [i, side] of sides.entries()) {
      if (!open(i)) continue;
      let turn = 0;
      do {
        const seconds = once(side);
        times[i].push(seconds);
        turn += seconds;
      } while (turn < TURN_SECONDS);
      spent[i] += turn;
    }
  }
  return times.map((list) => ({ seconds: median(list), runs: list.length }));
}

/**
 * Processor time of this process in seconds: other work on the machine does not count, but for what it takes of caches
 * and pipes.
 */
export function processorSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The middle of a list of numbers. */
export function median(list) {
  const sorted = Float64Array.from(list).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
