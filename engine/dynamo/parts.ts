/** The parts of an engine that works on DynamoDB tables. Lambda, the local server, the direct transport and the benches all use it. */
import type { TransactionItem } from '../../contract/contract.ts';
import type { Random, Store, Write } from '../port/port.ts';
import { createRandom } from '../port/random.ts';
import { type CorrectedClock, createCorrectedClock } from './corrected-clock.ts';
import { createDynamoStore, type DynamoStoreParts } from './store.ts';
import { jsonItems, transactionItems } from './transaction-items.ts';

export interface DynamoParts {
  store: Store;
  clock: CorrectedClock;
  random: Random;
  transactionItem(write: Write): TransactionItem;
}

/** `forJson`: entries of the caller's transactions leave this process as JSON. Default: they stay in it. */
export function dynamoParts({
  client,
  tables,
  clock = createCorrectedClock(),
  forJson = false,
}: DynamoStoreParts & { forJson?: boolean }): DynamoParts {
  const transactionItem = (forJson ? jsonItems : transactionItems)(tables);
  return { store: createDynamoStore({ client, tables, clock }), clock, random: createRandom(), transactionItem };
}
