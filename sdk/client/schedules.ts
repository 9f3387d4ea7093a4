/** The part of the client that manages schedules. */
import type { Attributes, Page, Schedule, ScheduleInput, ScheduleMessage, ScheduleWithTicks } from '../../contract/contract.ts';
import type { Caller, CallOptions } from '../calls/caller.ts';
import { attributesOf, bodyOf, contentOf, type SentAttributes } from '../calls/content.ts';
import { type Pages, pagesOf } from '../calls/pages.ts';

/** What each tick publishes. */
export interface TickMessage {
  /** Any JSON value, or bytes as Uint8Array; at most 1 MiB. */
  body: unknown;
  /** At most 18, each a string or a number. The queue adds two: `schedule`, the name, and `tick`, the instant. */
  attributes?: SentAttributes;
  /** From 0, the least urgent, to one less than the queue's levels. Default 0. */
  priority?: number;
}

/** A schedule to put: either `cron`, optionally with `timeZone`, or `everySeconds`. */
export type NewSchedule = Omit<ScheduleInput, 'message'> & { message: TickMessage };
export type ScheduleChanges = Partial<NewSchedule>;
/** A schedule as stored. A body of bytes is a Uint8Array. */
export type ScheduleDescription = Omit<Schedule, 'message'> & { message: TickMessage & { attributes: Attributes } };

/** One schedule, with its next ticks. */
export type ScheduleDescriptionWithTicks = ScheduleDescription & Pick<ScheduleWithTicks, 'nextTicks'>;

/**
 * Recurring messages: a schedule publishes one message at each of its ticks, exactly once. Requires an admin key for all
 * queues.
 */
export class SchedulesClient {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Creates or replaces the schedule. An identical schedule stays as it is. Messages of the previous schedule that are not yet
   * due are withdrawn.
   * @throws DumbwaiterError `invalid_input` for an unknown cron expression or time zone, or a queue that does not exist
   */
  async put(name: string, { message, ...rest }: NewSchedule, options?: CallOptions): Promise<ScheduleDescription> {
    return described(await this.#caller.call('putSchedule', { name }, { ...rest, message: wire(message) }, options));
  }

  /**
   * Returns the schedule, with its next ticks (`nextTicks`).
   * @throws DumbwaiterError `schedule_not_found`
   */
  async get(name: string, options?: CallOptions): Promise<ScheduleDescriptionWithTicks> {
    return described(await this.#caller.call('getSchedule', { name }, {}, options));
  }

  /**
   * Changes the given fields; the others stay. `cron` replaces `everySeconds`, and the reverse.
   * @throws DumbwaiterError `schedule_not_found`
   */
  async update(name: string, { message, ...rest }: ScheduleChanges, options?: CallOptions): Promise<ScheduleDescription> {
    const changes = { ...rest, ...(message && { message: wire(message) }) };
    return described(await this.#caller.call('updateSchedule', { name }, changes, options));
  }

  /**
   * Stops the ticks until `resume`. The ticks of that time are skipped. Messages that are already due stay in their queue.
   * @throws DumbwaiterError `schedule_not_found`
   */
  pause(name: string, options?: CallOptions): Promise<ScheduleDescription> {
    return this.update(name, { paused: true }, options);
  }

  /**
   * Continues with the next tick from now.
   * @throws DumbwaiterError `schedule_not_found`
   */
  resume(name: string, options?: CallOptions): Promise<ScheduleDescription> {
    return this.update(name, { paused: false }, options);
  }

  /**
   * Deletes the schedule. Messages that are already due stay in their queue.
   * @throws DumbwaiterError `schedule_not_found`
   */
  async delete(name: string, options?: CallOptions): Promise<void> {
    await this.#caller.call('deleteSchedule', { name }, {}, options);
  }

  /** Lists the schedules. */
  list(input: Page = {}, options?: CallOptions): Pages<ScheduleDescription> {
    return pagesOf(
      input,
      (page) => this.#caller.call('listSchedules', {}, page, options),
      ({ schedules }) => schedules.map(described),
    );
  }
}

function wire({ body, attributes, ...rest }: TickMessage): ScheduleMessage {
  return { ...contentOf(body), ...rest, ...(attributes !== undefined && { attributes: attributesOf(attributes) }) };
}

function described<Stored extends Schedule>({
  message,
  ...rest
}: Stored): Omit<Stored, 'message'> & Pick<ScheduleDescription, 'message'> {
  const { body, bodyBase64, ...more } = message;
  return { ...rest, message: { ...more, body: bodyOf({ body, bodyBase64 }) } };
}
