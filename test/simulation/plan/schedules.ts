/** The schedules of a plan as inputs of calls. */
import type { ScheduleInput } from '../../../contract/contract.ts';
import { bodyOf } from './bodies.ts';
import type { Plan, ScheduleChange, ScheduleStep } from './plan.ts';

export function scheduleOf(step: ScheduleStep, now: number): ScheduleInput {
  const { queue, rule, startSeconds, lastsSeconds, missed, number, chars } = step;
  const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();
  return {
    queue,
    ...rule,
    ...(startSeconds === undefined ? {} : { startAt: at(startSeconds) }),
    endAt: at((startSeconds ?? 0) + lastsSeconds),
    missed,
    message: { body: bodyOf(number, chars) },
  };
}

export function scheduleChangeOf({ number, chars = 0, rule, ...change }: ScheduleChange): Partial<ScheduleInput> {
  return { ...change, ...rule, ...(number === undefined ? {} : { message: { body: bodyOf(number, chars) } }) };
}

/** The names of all schedules in a plan. */
export function schedulesIn({ processes }: Plan): string[] {
  return [...new Set(processes.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'schedule' ? [step.name] : []))))];
}
