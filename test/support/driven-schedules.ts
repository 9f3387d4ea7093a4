/** Schedules on a driven engine: from noon of a day in 2027 on, with a sweep each minute. */
import type { InputOf, ReceivedMessage } from '../../contract/contract.ts';
import { sweepPeriodMs } from '../../contract/limits.ts';
import type { Engine } from '../../engine/engine.ts';
import type { DrivenEngine } from './driven-engine.ts';
import { instant, minuteMs } from './durations.ts';
import { range } from './range.ts';

export const noon = '2027-05-03T12:00:00.000Z';
export const afterNoon = (...minutes: number[]) => minutes.map((minute) => instant(Date.parse(noon) + minute * minuteMs));
/** The numbers from 1 to `count`. */
export const upTo = (count: number) => range(count).map((index) => index + 1);
export const ticksOf = (messages: readonly ReceivedMessage[]) =>
  messages.map(({ attributes }) => attributes.tick as string).sort();

/** Sets the clock to an instant. */
export function travel({ clock }: DrivenEngine, to: string | number): void {
  clock.advance((typeof to === 'number' ? to : Date.parse(to)) - clock.now());
}

export const schedules = (engine: Engine) => ({
  put: (name: string, input: Partial<InputOf<'putSchedule'>>) =>
    engine.call('putSchedule', { name }, { queue: 'q', message: { body: name }, ...input }),
  get: (name: string) => engine.call('getSchedule', { name }, {}),
  update: (name: string, input: InputOf<'updateSchedule'>) => engine.call('updateSchedule', { name }, input),
  delete: (name: string) => engine.call('deleteSchedule', { name }, {}),
  list: (input: InputOf<'listSchedules'> = {}) => engine.call('listSchedules', {}, input),
});

/** Receives and acks everything that is ready. */
export async function drain({ receive, ack }: DrivenEngine, queue = 'q'): Promise<ReceivedMessage[]> {
  const all: ReceivedMessage[] = [];
  for (let page = await receive(queue); page.length > 0; page = await receive(queue)) {
    await ack(queue, page);
    all.push(...page);
  }
  return all;
}

/** Advances the clock minute by minute with a sweep in each, and returns the ticks received. */
export async function sweepFor(driven: DrivenEngine, minutes: number, queue = 'q'): Promise<string[]> {
  const ticks: string[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    driven.clock.advance(sweepPeriodMs);
    await driven.sweep();
    ticks.push(...ticksOf(await drain(driven, queue)));
  }
  return ticks;
}
