import type { Json, TransactionWrite } from '../../contract/contract.ts';
import type { Caller } from '../calls/caller.ts';
import type { ReceivedMessage } from '../calls/received-message.ts';
import type { ConsumerOptions } from './options.ts';

/** How a consumer acks a message with what its handler returned. */
export type Commit = (message: ReceivedMessage<unknown>, returned: unknown) => Promise<void>;

/** As the options ask for; undefined: what is returned is of no use. Throws TypeError for what cannot be. */
export function commitOf(caller: Caller, { transaction, reply }: ConsumerOptions): Commit | undefined {
  if (transaction && reply) throw new TypeError('transaction and reply: a handler returns either writes or a result');
  if (transaction) return commitsBy(caller);
  return reply ? repliesWith : undefined;
}

/** What is returned is the message's result; nothing returned is none. */
async function repliesWith(message: ReceivedMessage<unknown>, returned: unknown): Promise<void> {
  await message.ack(returned === undefined ? {} : { result: returned as Json });
}

/** Commits what a handler returned in one transaction with the ack of its message. Throws TypeError where the transport cannot. */
function commitsBy(caller: Caller): Commit {
  if (!caller.canTransact) throw new TypeError('transaction: only the transport of dumbwaiter/direct commits transactions');
  return async (message, writes = []) => {
    if (!isList(writes)) throw new TypeError('the handler must return a list of entries of TransactWriteItems, or nothing');
    message.settled = true;
    try {
      await caller.transact([...writes, ...(await message.ackItems())]);
    } catch (error) {
      message.settled = false;
      throw error;
    }
  };
}

function isList(writes: unknown): writes is readonly TransactionWrite[] {
  return Array.isArray(writes);
}
