/** How a consumer acks a message when its handler returns something: as a transaction or as a result. */
import type { Json, TransactionWrite } from '../../contract/contract.ts';
import type { Caller } from '../calls/caller.ts';
import type { ReceivedMessage } from '../calls/received-message.ts';
import type { Tracing } from '../calls/tracing.ts';
import type { ConsumerOptions } from './options.ts';

/** Acks a message with what its handler returned. */
export type Commit = (message: ReceivedMessage<unknown>, returned: unknown) => Promise<void>;

interface CommitParts {
  caller: Caller;
  tracing: Tracing;
  queue: string;
}

/**
 * The commit that the options ask for; undefined: what a handler returns is not used. Throws TypeError for options that
 * contradict each other.
 */
export function commitOf(parts: CommitParts, { transaction, reply }: ConsumerOptions): Commit | undefined {
  if (transaction && reply) throw new TypeError('transaction and reply: a handler returns either writes or a result');
  if (transaction) return commitsBy(parts);
  return reply ? repliesWith : undefined;
}

/** Acks with the returned value as the message's result. If the handler returned undefined, the message has no result. */
async function repliesWith(message: ReceivedMessage<unknown>, returned: unknown): Promise<void> {
  await message.ack(returned === undefined ? {} : { result: returned as Json });
}

/**
 * Commits the writes that a handler returned in one transaction with the message's ack. Throws TypeError if the transport
 * cannot.
 */
function commitsBy({ caller, tracing, queue }: CommitParts): Commit {
  if (!caller.canTransact) throw new TypeError('transaction: only the transport of dumbwaiter-queue/direct commits transactions');
  return async (message, writes = []) => {
    if (!isList(writes)) throw new TypeError('the handler must return a list of entries of TransactWriteItems, or nothing');
    message.settled = true;
    try {
      const commit = async () => caller.transact([...writes, ...(await message.ackItems())]);
      await tracing.settle('ack', queue, [message], () => [commit()])[0];
    } catch (error) {
      message.settled = false;
      throw error;
    }
  };
}

function isList(writes: unknown): writes is readonly TransactionWrite[] {
  return Array.isArray(writes);
}
