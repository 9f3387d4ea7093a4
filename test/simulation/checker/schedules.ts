/** What a history says about its schedules: what each may have published, and when. */
import type { Schedule, ScheduleInput } from '../../../contract/contract.ts';
import type { Call } from '../run/history.ts';
import { contentKey } from './content.ts';
import { type CallOf, callsOf, endOf, mayBeDone } from './outcomes.ts';
import { isBeat, type Rhythm, rhythmOf } from './rhythms.ts';

type Change = CallOf<'putSchedule'> | CallOf<'updateSchedule'> | CallOf<'deleteSchedule'>;

/** A schedule as it may have been after a call. */
export interface Definition {
  queue: string;
  rhythm: Rhythm;
  startAt: number;
  endAt: number;
  missed: ScheduleInput['missed'];
  paused: boolean;
  content: string;
  call: Change;
  /** Whether the call certainly had this result. */
  certain: boolean;
}

export interface Schedules {
  /** By name. */
  definitions: ReadonlyMap<string, readonly Definition[]>;
  /** Calls that may have changed it, by name. */
  changes: ReadonlyMap<string, readonly Change[]>;
}

type Asked = Partial<ScheduleInput>;

export function schedulesOf(calls: readonly Call[], retryMsMin: number): Schedules {
  // An earlier attempt may have been applied before others changed or deleted the schedule.
  const isRepeated = (call: Change) => endOf(call) - call.startedAt >= retryMsMin;
  const changes = Map.groupBy(
    putsFirst(calls).filter((call) => mayBeDone(call) || isRepeated(call)),
    ({ params }) => params.name,
  );
  const definitions = new Map<string, Definition[]>();
  for (const [name, ofName] of changes) {
    const all: Definition[] = [];
    for (const call of ofName) {
      if (call.operation === 'deleteSchedule') continue;
      const known = all.filter((one) => one.call.startedAt <= endOf(call));
      const before = ofName.filter(({ startedAt }) => startedAt <= endOf(call));
      all.push(...definitionsAfter(call, { known, before }, isRepeated(call)));
    }
    if (all.length > 0) definitions.set(name, all);
  }
  return { definitions, changes };
}

/** Puts come first: a put may have been applied after an update began, and before it was applied. */
function putsFirst(calls: readonly Call[]): Change[] {
  const changes = [...callsOf(calls, 'updateSchedule'), ...callsOf(calls, 'deleteSchedule')];
  return [...callsOf(calls, 'putSchedule'), ...changes.sort((a, b) => a.startedAt - b.startedAt)];
}

function definitionsAfter(
  call: CallOf<'putSchedule'> | CallOf<'updateSchedule'>,
  { known, before }: { known: readonly Definition[]; before: readonly Change[] },
  isRepeated: boolean,
): Definition[] {
  const made: Definition[] = [];
  if ('output' in call.answer) {
    const { output } = call.answer;
    const { attributes, ...body } = output.message;
    made.push({
      ...bounds(output),
      queue: output.queue,
      rhythm: rhythmOf(ruleOf(output), undefined, anchorsOf(output, before)),
      missed: output.missed,
      paused: output.paused,
      content: contentKey({ ...body, attributes }),
      call,
      certain: !isRepeated,
    });
    if (!isRepeated) return made;
  }
  if (call.operation === 'putSchedule') return [...made, merged(undefined, call.input, call)];
  return [...made, ...known.map((one) => merged(one, call.input, call))];
}

/** Where a rate may count from after these changes. A rate without a start keeps its origin unless the rate changed in between. */
function anchorsOf({ startAt, everySeconds }: Schedule, before: readonly Change[]): readonly number[] | undefined {
  if (startAt !== null) return [Date.parse(startAt)];
  const alike = before.filter(
    (call) => call.operation !== 'deleteSchedule' && call.input.everySeconds === everySeconds && call.input.startAt === undefined,
  );
  if (alike.some(({ answer }) => !('output' in answer))) return undefined;
  const said = before.flatMap(({ operation, answer }) =>
    operation !== 'deleteSchedule' && 'output' in answer ? [answer.output as Schedule] : [],
  );
  return said.filter((one) => one.startAt === null && one.everySeconds === everySeconds).map((one) => Date.parse(one.updatedAt));
}

/** The rule in the form of an input. */
function ruleOf({ cron, timeZone, everySeconds }: Schedule): Asked {
  return everySeconds === null ? { cron: cron!, timeZone: timeZone! } : { everySeconds };
}

const bounds = ({ startAt, endAt }: Pick<Asked, 'startAt' | 'endAt'>) => ({
  startAt: startAt == null ? Number.NEGATIVE_INFINITY : Date.parse(startAt),
  endAt: endAt == null ? Number.POSITIVE_INFINITY : Date.parse(endAt),
});

function merged(before: Definition | undefined, asked: Asked, call: Change): Definition {
  const { queue, missed, paused, message } = asked;
  const given = bounds(asked);
  const startAt = asked.startAt === undefined && before ? before.startAt : given.startAt;
  return {
    queue: queue ?? before!.queue,
    rhythm: rhythmOf(asked, before?.rhythm, Number.isFinite(startAt) ? [startAt] : undefined),
    startAt,
    endAt: asked.endAt === undefined && before ? before.endAt : given.endAt,
    missed: missed ?? before?.missed ?? 'one',
    paused: paused ?? before?.paused ?? false,
    content: message ? contentKey(message) : before!.content,
    call,
    certain: false,
  };
}

/** Whether the instant is one of its ticks. */
export function hasTick({ rhythm, startAt, endAt, paused }: Definition, tick: number): boolean {
  return !paused && tick >= startAt && tick < endAt && isBeat(rhythm, tick);
}
