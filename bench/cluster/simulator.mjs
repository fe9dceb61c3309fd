// A run of a plan's jobs on machines that are events of a clock: they take jobs as they are free, fetch bytes over a
// network, are slow or lost by chance, and near the end do what a slow one is at.

/** @typedef {{ kind: string, seconds: number, parallel: boolean, read: number, written: number, after: number[], warm: boolean }} SimulatedJob */

/**
 * @param {SimulatedJob[]} jobs earlier ones first; `seconds` on one thread, `warm`: a machine opens the data before its
 * first such job @param {{ seconds: number, read: number }} open what that takes
 * @param {object} fleet machines, threads and how well they are used, seconds beside a job, bytes a second of a machine
 * and of the store, and what goes wrong: hours between losses of a machine, the shares of slow machines and jobs
 * @param {() => number} random from 0 to 1
 */
export function simulateRun(jobs, open, fleet, random) {
  const { machines, threads, use, beside, link, storeRate, lossHours, slowMachines, slowFactor, slowJobs, jobFactor } =
    fleet;
  const rate = Math.min(link, storeRate / machines);
  const exponential = (mean) => -Math.log(1 - random()) * mean;
  const nextLoss = () => (lossHours > 0 ? exponential(3600 * lossHours) : Number.POSITIVE_INFINITY);
  const fleetNow = Array.from({ length: machines }, () => ({
    speed: random() < slowMachines ? 1 / slowFactor : 1,
    cold: true,
    loss: nextLoss(),
    at: undefined,
  }));
  const waitsFor = jobs.map(({ after }) => after.length);
  const readers = jobs.map(() => []);
  for (const [job, { after }] of jobs.entries()) for (const before of after) readers[before].push(job);
  const done = new Set();
  const queue = jobs.flatMap((_, job) => (waitsFor[job] === 0 ? [job] : []));
  const found = { makespan: 0, bytes: 0, twice: 0, lost: 0, busy: 0 };
  const events = new Events();
  /** Has a machine look for work then, and not at another time. */
  const look = (machine, time) => {
    fleetNow[machine].looks = time;
    events.add(time, { type: 'free', machine });
  };
  const nearEnd = () => jobs.length - done.size <= Math.max(1, 0.05 * jobs.length);
  /** Has those look that may find something. */
  const lookAll = (now) => {
    let most = nearEnd() ? machines : queue.length;
    for (const [machine, { at, away }] of fleetNow.entries()) {
      if (most === 0) return;
      if (at || away > now) continue;
      look(machine, now);
      most--;
    }
  };
  for (const machine of fleetNow.keys()) look(machine, 0);
  const running = new Map();

  /** Seconds of a job on a machine that is as fast as it should be, and on this one. */
  const timesOf = (job, { speed, cold }) => {
    const { seconds, parallel, warm, read, written } = jobs[job];
    const opens = warm && cold;
    const bytes = read + written + (opens ? open.read : 0);
    const computed = seconds / (parallel ? threads * use : 1) + (opens ? open.seconds : 0);
    const chance = random() < slowJobs ? jobFactor : 1;
    return {
      usual: beside + bytes / rate + computed,
      real: beside + bytes / rate + (computed * chance) / speed,
      bytes,
      opens,
    };
  };
  const begin = (job, number, now) => {
    const machine = fleetNow[number];
    const { usual, real, bytes, opens } = timesOf(job, machine);
    if (opens) machine.cold = false;
    found.bytes += bytes;
    const end = now + real;
    const under = { job, machine: number, began: now, usual, end };
    machine.at = under;
    running.set(job, [...(running.get(job) ?? []), under]);
    if (machine.loss < end) events.add(machine.loss, { type: 'lost', machine: number, under });
    else events.add(end, { type: 'done', machine: number, under });
  };
  const drop = (under) => {
    const left = (running.get(under.job) ?? []).filter((each) => each !== under);
    if (left.length > 0) running.set(under.job, left);
    else running.delete(under.job);
    fleetNow[under.machine].at = undefined;
  };
  /**
   * What the driver does: near the end a job that takes far longer than usual is given to another machine too.
   * @returns the job, or when the next one will have taken that long
   */
  const slowest = (now) => {
    let soonest = Number.POSITIVE_INFINITY;
    if (!nearEnd()) return { soonest };
    for (const [job, list] of running) {
      if (list.length > 1) continue;
      const at = list[0].began + Math.max(8, 3 * list[0].usual);
      if (at <= now) return { job };
      soonest = Math.min(soonest, at);
    }
    return { soonest };
  };

  for (let event = events.next(); event && done.size < jobs.length; event = events.next()) {
    const { time: now, type, machine, under } = event;
    if (under && fleetNow[machine].at !== under) continue; // another machine was first
    if (type === 'lost') {
      drop(under);
      found.lost++;
      found.busy += now - under.began;
      // its lock runs out, and another machine is there in its place
      events.add(now + 20, { type: 'again', job: under.job });
      Object.assign(fleetNow[machine], { cold: true, away: now + 120, loss: now + 120 + nextLoss() });
      look(machine, now + 120);
      continue;
    }
    if (type === 'again') {
      if (!done.has(event.job) && !running.has(event.job)) {
        queue.unshift(event.job);
        found.twice++;
        lookAll(now);
      }
      continue;
    }
    if (type === 'done') {
      const { job } = under;
      found.busy += now - under.began;
      for (const other of running.get(job)) {
        drop(other);
        if (other === under) continue;
        found.busy += now - other.began;
      }
      done.add(job);
      found.makespan = now;
      for (const reader of readers[job]) if (--waitsFor[reader] === 0) queue.push(reader);
      lookAll(now);
      continue;
    }
    if (fleetNow[machine].at || fleetNow[machine].looks !== now) continue;
    fleetNow[machine].looks = undefined;
    if (fleetNow[machine].loss <= now) fleetNow[machine].loss = now + nextLoss();
    const next = queue.shift();
    const slow = next === undefined ? slowest(now) : {};
    if (next === undefined && slow.job === undefined) {
      // all else that may change is an event
      if (Number.isFinite(slow.soonest)) look(machine, slow.soonest);
      continue;
    }
    if (slow.job !== undefined) found.twice++;
    begin(next ?? slow.job, machine, now);
  }
  return found;
}

/** Events by time, those of one time in the order in which they came: a heap. */
class Events {
  heap = [];
  count = 0;

  add(time, event) {
    const { heap } = this;
    heap.push({ ...event, time, order: this.count++ });
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!earlier(heap[i], heap[parent])) break;
      [heap[i], heap[parent]] = [heap[parent], heap[i]];
      i = parent;
    }
  }

  next() {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0) {
      heap[0] = last;
      for (let i = 0; ; ) {
        const [left, right] = [2 * i + 1, 2 * i + 2];
        let least = i;
        if (left < heap.length && earlier(heap[left], heap[least])) least = left;
        if (right < heap.length && earlier(heap[right], heap[least])) least = right;
        if (least === i) break;
        [heap[i], heap[least]] = [heap[least], heap[i]];
        i = least;
      }
    }
    return first;
  }
}

const earlier = (a, b) => a.time < b.time || (a.time === b.time && a.order < b.order);
