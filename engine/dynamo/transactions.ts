/** Transactions: several conditional writes that DynamoDB applies all or not at all. */
import { StoreError, type Transacted, type Write } from '../port/port.ts';
import { refuseTwice } from '../port/row-limits.ts';
import { type Item, maybeRow } from './attribute-values.ts';
import type { DynamoClient } from './client.ts';
import type { CorrectedClock } from './corrected-clock.ts';
import { DynamoError } from './errors.ts';
import { writeRequest } from './requests.ts';
import type { TableNames } from './tables.ts';

/** What the calls of one store share. */
export interface Calls {
  client: DynamoClient;
  clock: CorrectedClock;
  names: TableNames;
  /** Called for each throttled write. `isProven`: the load on the write's key is certainly the cause. */
  throttled: (write: Pick<Write, 'key' | 'then'>, isProven: boolean) => void;
}

/** Transient cancellation reasons: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
const throttlings = new Set(['ProvisionedThroughputExceeded', 'ThrottlingError']);
const passing = new Set([...throttlings, 'TransactionConflict']);

export async function sendTransaction(
  writes: readonly Write[],
  by: number | undefined,
  { client, clock, names, throttled }: Calls,
): Promise<Transacted> {
  if (writes.length === 0) return { ok: true };
  refuseTwice(writes);
  const input = {
    TransactItems: writes.map((write) => {
      const request = writeRequest(write, names);
      if ('put' in request) return { Put: request.put };
      return 'remove' in request ? { Delete: request.remove } : { Update: request.update };
    }),
    ClientRequestToken: crypto.randomUUID(),
  };
  try {
    // DynamoDB does not say which of the rows caused the throttle.
    const onHotKey = () => {
      for (const write of writes) throttled(write, false);
    };
    await client.call('TransactWriteItems', input, { clock, by, onHotKey });
    return { ok: true };
  } catch (error) {
    if (!(error instanceof DynamoError) || error.name !== 'TransactionCanceledException') throw error;
    const reasons = reasonsOf(error);
    writes.forEach((write, index) => {
      if (throttlings.has(reasons[index]?.Code ?? '')) throttled(write, false);
    });
    return cancelled(error);
  }
}

interface CancellationReason {
  Code?: string;
  Item?: Item;
}

function reasonsOf({ answer }: DynamoError): CancellationReason[] {
  return (answer as { CancellationReasons?: CancellationReason[] }).CancellationReasons ?? [];
}

function cancelled(error: DynamoError): Transacted {
  const reasons = reasonsOf(error);
  const refused = reasons.map(({ Code, Item: item }) =>
    Code === 'ConditionalCheckFailed' ? { row: maybeRow(item) } : undefined,
  );
  if (refused.some((one) => one !== undefined)) return { ok: false, refused };
  if (reasons.some(({ Code }) => Code !== undefined && passing.has(Code))) {
    // Another transaction has the row, or the row is throttled: a retry may succeed. An earlier attempt may still be applied.
    const applied = error.maybeApplied ? 'unknown' : 'no';
    throw new StoreError(`DynamoDB did not do as asked: ${error.message}`, applied, error, 'throttled');
  }
  throw error;
}
