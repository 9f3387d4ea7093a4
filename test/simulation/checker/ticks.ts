/** Promises about schedules: each tick has one message, and an unchanged schedule skips no tick. */
import type { Violation } from '../run/history.ts';
import { beyondMarginMs, mayBeGone } from './endings.ts';
import type { Ledger, Life } from './ledger.ts';
import { endOf } from './outcomes.ts';
import { beats } from './rhythms.ts';
import { type Definition, hasTick } from './schedules.ts';
import { tickOf, tickPublish } from './tick-publishes.ts';

export function* judgeTicks(ledger: Ledger): Generator<Violation> {
  const { schedules } = ledger;
  if (schedules.changes.size === 0) return;
  const ofTicks = Map.groupBy(
    ledger.lives.filter(({ entry }) => tickOf({ attributes: {}, ...entry }) !== undefined),
    ({ entry }) => keyOf(tickOf({ attributes: {}, ...entry })!),
  );
  for (const lives of ofTicks.values()) yield* judgeOnce(ledger, lives);
  for (const [name, definitions] of schedules.definitions) yield* judgeWhole(ledger, name, definitions, ofTicks);
}

const keyOf = ({ name, tick }: { name: string; tick: number }) => `${name} ${tick}`;

function* judgeOnce({ schedules, clockErrorMs }: Ledger, lives: readonly Life[]): Generator<Violation> {
  if (lives.length < 2) return;
  const { name, tick } = tickOf({ attributes: {}, ...lives[0]!.entry })!;
  // A deletion removes the record of published ticks. A schedule that is put again at once may publish the same tick.
  const isForgotten = schedules.changes
    .get(name)!
    .some(
      (call) =>
        call.operation === 'deleteSchedule' &&
        call.startedAt <= tick + 2 * clockErrorMs &&
        endOf(call) >= tick - 2 * clockErrorMs,
    );
  if (isForgotten) return;
  const text = `the tick of ${new Date(tick).toISOString()} of the schedule ${name} has ${lives.length} messages`;
  yield { promise: 'one-message-a-tick', text, calls: lives.map(({ deliveries }) => deliveries[0]!.call) };
}

/** A schedule that was put once and catches up on missed ticks has a message for every tick until the last sweep. */
function* judgeWhole(
  ledger: Ledger,
  name: string,
  definitions: readonly Definition[],
  ofTicks: ReadonlyMap<string, readonly Life[]>,
): Generator<Violation> {
  const { schedules, queues, clockErrorMs, sweptAt, drainedAt } = ledger;
  const [definition] = definitions;
  if (!definition?.certain) return;
  const put = definition.call;
  const others = schedules.changes.get(name)!.filter((call) => call !== put);
  if (definitions.length > 1 || definition.missed !== 'all') return;
  if (sweptAt === undefined || drainedAt === undefined || queues.isDeleted(definition.queue)) return;
  // Ticks that no sweep has published before the deletion never come.
  if (others.some(({ operation, startedAt }) => operation !== 'deleteSchedule' || startedAt < sweptAt)) return;
  const until = sweptAt - clockErrorMs - beyondMarginMs(ledger);
  const from = endOf(put) + clockErrorMs;
  const { rhythm, queue, endAt } = definition;
  for (const tick of beats(rhythm, from, Math.min(until, endAt))) {
    if (!hasTick(definition, tick) || ofTicks.has(keyOf({ name, tick }))) continue;
    const published = tickPublish(queue, tick, { body: null, attributes: {} });
    const life: Life = { id: undefined, queue, entry: published.input.messages[0]!, published, accepted: true, deliveries: [] };
    if (mayBeGone(ledger, life, drainedAt)) continue;
    const text = `the tick of ${new Date(tick).toISOString()} of the schedule ${name} has no message`;
    yield { promise: 'one-message-a-tick', text, calls: [put] };
  }
}
