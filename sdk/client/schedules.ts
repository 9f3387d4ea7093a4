import type { Attributes, Page, Schedule, ScheduleInput, ScheduleMessage } from '../../contract/contract.ts';
import type { Caller, CallOptions } from '../calls/caller.ts';
import { attributesOf, bodyOf, contentOf, type SentAttributes } from '../calls/content.ts';
import { type Pages, pagesOf } from '../calls/pages.ts';

/** What each tick publishes. */
export interface TickMessage {
  /** Any JSON value, or bytes as Uint8Array; at most 1 MiB. */
  body: unknown;
  /** Up to 18, each a string or a number; each message is given two more: `schedule`, the name, and `tick`, the instant. */
  attributes?: SentAttributes;
  /** 0, the least urgent, to one less than the levels of the queue. Default 0. */
  priority?: number;
}

/** A schedule to be put: either `cron`, with `timeZone`, or `everySeconds`. */
export type NewSchedule = Omit<ScheduleInput, 'message'> & { message: TickMessage };
export type ScheduleChanges = Partial<NewSchedule>;
/** A schedule as it is; bytes of its message come as Uint8Array. */
export type ScheduleDescription = Omit<Schedule, 'message'> & { message: TickMessage & { attributes: Attributes } };

/** Messages that recur: at each tick of a schedule one is published, exactly once. Asks for an admin key of all queues. */
export class SchedulesClient {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Creates the schedule, or replaces it; one that is there and just so stays as it is. What was not yet due of the one before is taken
   * back.
   * @throws DumbwaiterError `invalid_input` for a cron expression or a time zone that is not known, or a queue that does not exist
   */
  async put(name: string, { message, ...rest }: NewSchedule, options?: CallOptions): Promise<ScheduleDescription> {
    return described(await this.#caller.call('putSchedule', { name }, { ...rest, message: wire(message) }, options));
  }

  /** @throws DumbwaiterError `schedule_not_found` */
  async get(name: string, options?: CallOptions): Promise<ScheduleDescription> {
    return described(await this.#caller.call('getSchedule', { name }, {}, options));
  }

  /** Changes what is given; the rest stays. `cron` takes the place of `everySeconds`, and the other way round. */
  async update(name: string, { message, ...rest }: ScheduleChanges, options?: CallOptions): Promise<ScheduleDescription> {
    const changes = { ...rest, ...(message && { message: wire(message) }) };
    return described(await this.#caller.call('updateSchedule', { name }, changes, options));
  }

  /** No ticks from now on, until `resume`: those of that time are left out. What is due already stays in its queue. */
  pause(name: string, options?: CallOptions): Promise<ScheduleDescription> {
    return this.update(name, { paused: true }, options);
  }

  /** Goes on with the next tick from now. */
  resume(name: string, options?: CallOptions): Promise<ScheduleDescription> {
    return this.update(name, { paused: false }, options);
  }

  /** What is due already stays in its queue. */
  async delete(name: string, options?: CallOptions): Promise<void> {
    await this.#caller.call('deleteSchedule', { name }, {}, options);
  }

  list(input: Page = {}, options?: CallOptions): Pages<ScheduleDescription> {
    return pagesOf(input, async (page) => {
      const { schedules, cursor } = await this.#caller.call('listSchedules', {}, page, options);
      return [schedules.map(described), cursor];
    });
  }
}

function wire({ body, attributes, ...rest }: TickMessage): ScheduleMessage {
  return { ...contentOf(body), ...rest, ...(attributes !== undefined && { attributes: attributesOf(attributes) }) };
}

function described({ message, ...rest }: Schedule): ScheduleDescription {
  const { body, bodyBase64, ...more } = message;
  return { ...rest, message: { ...more, body: bodyOf({ body, bodyBase64 }) } };
}
