/** What is done to a queue as a whole: its settings, its end, its dead letters. */

import type { Queue, QueueSettingsInput, RedriveInput } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { CallOptions } from '../calls/caller.ts';
import type { Connection } from './connection.ts';
import type { QueueDescription } from './queue-types.ts';
import { Redrive } from './redrive.ts';

export class QueueAdministration {
  readonly name: string;
  readonly #connection: Connection;

  constructor(name: string, connection: Connection) {
    this.name = name;
    this.#connection = connection;
  }

  /**
   * Makes the queue; what the settings leave out has its default, and so have fields left out of an object. A queue that has these settings is
   * answered as it is. For the start of an application, see `ensure`.
   * @throws DumbwaiterError `queue_exists` when it exists with others
   */
  create(settings: QueueSettingsInput = {}, options?: CallOptions): Promise<Queue> {
    return this.#connection.caller.call('createQueue', this.#params, settings, options);
  }

  /**
   * Makes the queue, or, where it exists, gives it these settings: for the start of an application. Settings that are left out have their
   * defaults in a new queue, and stay as they are in one that exists: a queue that was paused stays paused.
   */
  async ensure(settings: QueueSettingsInput = {}, options?: CallOptions): Promise<Queue> {
    try {
      return await this.create(settings, options);
    } catch (error) {
      if (!(error instanceof DumbwaiterError && error.code === 'queue_exists')) throw error;
      return this.update(settings, options);
    }
  }

  /** Its settings, and how many messages it holds. */
  describe(options?: CallOptions): Promise<QueueDescription> {
    return this.#connection.caller.call('getQueue', this.#params, {}, options);
  }

  /** Changes the settings given; the others stay. An object takes the place of the one before: fields left out of it have their defaults. */
  update(settings: QueueSettingsInput, options?: CallOptions): Promise<Queue> {
    return this.#connection.caller.call('updateQueue', this.#params, settings, options);
  }

  /** Takes messages, and gives none until `resume`; leases go on. In force everywhere within 2 s. */
  pause(options?: CallOptions): Promise<Queue> {
    return this.update({ paused: true }, options);
  }

  resume(options?: CallOptions): Promise<Queue> {
    return this.update({ paused: false }, options);
  }

  /** Removes the queue with all it holds. */
  async delete(options?: CallOptions): Promise<void> {
    await this.#connection.caller.call('deleteQueue', this.#params, {}, options);
  }

  /** Removes every message published before now, whatever its state. */
  purge(options?: CallOptions): Promise<{ purgedBefore: string }> {
    return this.#connection.caller.call('purge', this.#params, {}, options);
  }

  /** Begins to move dead letters from this queue back to where they died, or elsewhere. */
  async redrive(input: RedriveInput = {}, options?: CallOptions): Promise<Redrive> {
    const { caller, timers } = this.#connection;
    return new Redrive(await caller.call('redrive', this.#params, input, options), caller, timers);
  }

  /** A redrive begun earlier. */
  async getRedrive(id: string, options?: CallOptions): Promise<Redrive> {
    const { caller, timers } = this.#connection;
    return new Redrive(await caller.call('getRedrive', { queue: this.name, task: id }, {}, options), caller, timers);
  }

  /**
   * Makes a secret that signs what the queue sends to URLs (Standard Webhooks), and answers it, this once. Earlier ones sign too for a day: give
   * the new one to what verifies in that time. Not tried again after a lost answer.
   */
  async rotateSigningSecret(options?: CallOptions): Promise<string> {
    return (await this.#connection.caller.call('rotateSigningSecret', this.#params, {}, options)).secret;
  }

  get #params() {
    return { queue: this.name };
  }
}
