/** Operations on a queue as a whole: its settings, its deletion, its dead letters. */

import type {
  InputOf,
  OperationName,
  OutputOf,
  Queue,
  QueueSettingsInput,
  QueueStatsPoint,
  RedriveInput,
  StatsInput,
} from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { CallOptions } from '../calls/caller.ts';
import type { QueueDescription } from './queue-types.ts';
import { Redrive } from './redrive.ts';
import type { Connection } from './requests.ts';
import { TargetsClient } from './targets.ts';

export class QueueAdministration {
  readonly name: string;
  /** Functions and URLs to which the messages are pushed. Requires an admin key. */
  readonly targets: TargetsClient;
  readonly #connection: Connection;

  constructor(name: string, connection: Connection) {
    this.name = name;
    this.#connection = connection;
    this.targets = new TargetsClient(connection.caller, name);
  }

  /**
   * Creates the queue. Missing settings, and missing fields of an object, get their defaults. Returns an existing queue
   * unchanged if it has these settings. Use `ensure` when an application starts.
   * @throws DumbwaiterError `queue_exists` if the queue exists with other settings
   */
  create(settings: QueueSettingsInput = {}, options?: CallOptions): Promise<Queue> {
    return this.#call('createQueue', settings, options);
  }

  /**
   * Creates the queue, or gives an existing queue these settings. Use it when an application starts. Missing settings get their
   * defaults in a new queue, and stay as they are in an existing one: a paused queue stays paused.
   */
  async ensure(settings: QueueSettingsInput = {}, options?: CallOptions): Promise<Queue> {
    try {
      return await this.create(settings, options);
    } catch (error) {
      if (!(error instanceof DumbwaiterError && error.code === 'queue_exists')) throw error;
      return this.update(settings, options);
    }
  }

  /**
   * Returns the queue's settings and how many messages it holds.
   * @throws DumbwaiterError `queue_not_found`
   */
  describe(options?: CallOptions): Promise<QueueDescription> {
    return this.#call('getQueue', {}, options);
  }

  /**
   * Changes the given settings; the others stay. An object replaces the previous one: fields left out of it get their defaults.
   * @throws DumbwaiterError `queue_not_found`; `invalid_input`, such as for a dead-letter queue that does not exist
   */
  update(settings: QueueSettingsInput, options?: CallOptions): Promise<Queue> {
    return this.#call('updateQueue', settings, options);
  }

  /**
   * Pauses the queue: it accepts messages, but delivers none until `resume`. Existing leases continue. Takes effect everywhere
   * within 2 s.
   * @throws DumbwaiterError `queue_not_found`
   */
  pause(options?: CallOptions): Promise<Queue> {
    return this.update({ paused: true }, options);
  }

  /**
   * Resumes a paused queue. Takes effect everywhere within 2 s.
   * @throws DumbwaiterError `queue_not_found`
   */
  resume(options?: CallOptions): Promise<Queue> {
    return this.update({ paused: false }, options);
  }

  /**
   * Deletes the queue with everything in it.
   * @throws DumbwaiterError `queue_not_found`; `queue_in_use` if another queue names this one as its dead-letter queue
   */
  async delete(options?: CallOptions): Promise<void> {
    await this.#call('deleteQueue', {}, options);
  }

  /**
   * Deletes every message published before now, whatever its state.
   * @throws DumbwaiterError `queue_not_found`
   */
  purge(options?: CallOptions): Promise<{ purgedBefore: string }> {
    return this.#call('purge', {}, options);
  }

  /**
   * Starts to move dead letters from this queue back to the queues in which they died, or to another queue.
   * @throws DumbwaiterError `queue_not_found`
   */
  async redrive(input: RedriveInput = {}, options?: CallOptions): Promise<Redrive> {
    const { caller, timers } = this.#connection;
    return new Redrive(await this.#call('redrive', input, options), caller, timers);
  }

  /**
   * Returns a redrive that was started earlier.
   * @throws DumbwaiterError `queue_not_found`, `task_not_found`
   */
  async getRedrive(id: string, options?: CallOptions): Promise<Redrive> {
    const { caller, timers } = this.#connection;
    return new Redrive(await caller.call('getRedrive', { queue: this.name, task: id }, {}, options), caller, timers);
  }

  /**
   * What happened in the queue lately, in steps of ten minutes or more: counts, depth, waiting and handling times. For people: a
   * process that dies takes its last minute with it.
   * @throws DumbwaiterError `queue_not_found`
   */
  async stats(input: StatsInput = {}, options?: CallOptions): Promise<QueueStatsPoint[]> {
    return (await this.#call('queueStats', input, options)).points;
  }

  /**
   * Creates a secret that signs what the queue sends to URLs (Standard Webhooks), and returns it, only this once. Earlier
   * secrets keep signing for a day: give the new one to the verifying side in that time. Not retried after a lost response.
   */
  async rotateSigningSecret(options?: CallOptions): Promise<string> {
    return (await this.#call('rotateSigningSecret', {}, options)).secret;
  }

  #call<Name extends OperationName>(operation: Name, input: InputOf<Name>, options?: CallOptions): Promise<OutputOf<Name>> {
    return this.#connection.caller.call(operation, { queue: this.name } as never, input, options);
  }
}
