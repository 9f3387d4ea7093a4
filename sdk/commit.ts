import type { TransactionWrite } from './contract.ts';
import type { ReceivedMessage } from './message.ts';
import type { Caller } from './retry.ts';

/** Commits what a handler returned in one transaction with the ack of its message. Throws TypeError where the transport cannot. */
export function commitsBy(caller: Caller): (message: ReceivedMessage<unknown>, writes: unknown) => Promise<void> {
  if (!caller.canTransact)
    throw new TypeError('transaction: only the transport of dumbwaiter/direct commits transactions; this one does not');
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
