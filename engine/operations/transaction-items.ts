/** Converts writes into entries of the caller's own transaction. */
import type { TransactionItem } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { transactionBytesMax, transactionEntriesMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import type { Write } from '../port/port.ts';
import { storedBytes } from '../port/row-limits.ts';

/** Refuses writes that exceed the limits of one transaction. The caller's own entries count too, but are not known here. */
export function asItems(ctx: Context, writes: readonly Write[]): TransactionItem[] {
  const { transactionItem } = ctx;
  if (!transactionItem) {
    throw new DumbwaiterError('invalid_input', 'This store does not support transactions.');
  }
  if (writes.length > transactionEntriesMax) {
    throw tooMuch(`need ${writes.length} entries in a transaction; the limit is ${transactionEntriesMax}`);
  }
  const bytes = writes.reduce((sum, { then }) => sum + ('put' in then ? storedBytes(then.put) : 0), 0);
  if (bytes > transactionBytesMax) throw tooMuch(`need ${bytes} bytes in a transaction; the limit is ${transactionBytesMax}`);
  return writes.map(transactionItem);
}

function tooMuch(what: string): DumbwaiterError {
  return new DumbwaiterError('invalid_input', `messages: together they ${what}`);
}
