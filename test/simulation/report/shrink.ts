/** Shrinks a plan that breaks a promise: removes processes, steps, messages and faults while it still breaks the same promise. */
import type { Fault } from '../../../engine/simulation/faulty-store.ts';
import type { Plan, Step } from '../plan/plan.ts';

/** The maximum number of histories to run. */
const triesMax = 600;
/** Removing a part changes all later random choices, so each smaller plan runs with several seeds. */
const seedsTried = 3;
const seedStep = 1_000_003;

/** Returns the smallest plan found for which `fails` holds. It must hold for `plan`. */
export async function shrink(plan: Plan, fails: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let smallest = plan;
  let tries = 0;
  async function tryPlan(candidate: Plan): Promise<boolean> {
    for (let n = 0; n < seedsTried && tries < triesMax; n++) {
      tries++;
      const reseeded = { ...candidate, seed: plan.seed + n * seedStep };
      if (!(await fails(reseeded))) continue;
      smallest = reseeded;
      return true;
    }
    return false;
  }

  let before: Plan;
  do {
    before = smallest;
    for (const smaller of [withoutProcesses, withoutFaults, withoutHelpers, withoutSteps, withoutMessages]) {
      // Each removal changes the list of parts, so list them again.
      let at = 0;
      for (let parts = smaller(smallest); at < parts.length && tries < triesMax; at++) {
        if (!(await tryPlan(parts[at]!))) continue;
        parts = smaller(smallest);
        at--;
      }
    }
  } while (smallest !== before && tries < triesMax);
  return smallest;
}

function without<T>(list: readonly T[], from: number, count = 1): T[] {
  return [...list.slice(0, from), ...list.slice(from + count)];
}

function withoutProcesses(plan: Plan): Plan[] {
  return plan.processes.map((_, index) => ({ ...plan, processes: without(plan.processes, index) }));
}

function withoutFaults(plan: Plan): Plan[] {
  const faults = (Object.keys(plan.rates) as Fault[]).filter((fault) => plan.rates[fault] > 0);
  const skewed = plan.processes.some(({ skewMs }) => skewMs !== 0);
  return [
    ...faults.map((fault) => ({ ...plan, rates: { ...plan.rates, [fault]: 0 } })),
    ...(skewed ? [{ ...plan, processes: plan.processes.map((process) => ({ ...process, skewMs: 0 })) }] : []),
  ];
}

function withoutHelpers(plan: Plan): Plan[] {
  const { sweepMs: _, ...rest } = plan;
  return [
    ...(plan.sweepMs === undefined || plan.rates.late + plan.rates.duplicated > 0 ? [] : [{ ...rest, sweepMs: undefined }]),
    ...(plan.ttlActs ? [{ ...plan, ttlActs: false }] : []),
    ...plan.queues.flatMap((queue, index) =>
      queue.shards > 1 ? [{ ...plan, queues: plan.queues.with(index, { ...queue, shards: 1 }) }] : [],
    ),
  ];
}

function withSteps(plan: Plan, process: number, steps: Step[]): Plan {
  return { ...plan, processes: plan.processes.with(process, { ...plan.processes[process]!, steps }) };
}

function withoutSteps(plan: Plan): Plan[] {
  return plan.processes.flatMap(({ steps }, process) => {
    const half = Math.ceil(steps.length / 2);
    const halves = steps.length > 2 ? [steps.slice(0, half), steps.slice(half)] : [];
    return [...halves, ...steps.map((_, index) => without(steps, index))].map((fewer) => withSteps(plan, process, fewer));
  });
}

function withoutMessages(plan: Plan): Plan[] {
  return plan.processes.flatMap(({ steps }, process) =>
    steps.flatMap((step, index) => {
      if (step.do !== 'publish' || step.messages.length < 2) return [];
      const fewer = step.messages.map((_, at) => ({ ...step, messages: without(step.messages, at) }));
      return fewer.map((one) => withSteps(plan, process, steps.with(index, one)));
    }),
  );
}
