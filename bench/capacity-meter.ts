/**
 * The capacity meter. It counts the calls of a client to DynamoDB, including retries, and the capacity units that DynamoDB reports with
 * each response.
 *
 * A write whose condition fails is billed, but the error does not report its units. The meter computes them: one unit per started kibibyte
 * of the existing row or of the row to put, whichever is larger.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#write-operation-consumption
 */
import { fromItem, type Item } from '../engine/dynamo/attribute-values.ts';
import type { DynamoClient } from '../engine/dynamo/client.ts';
import { DynamoError } from '../engine/dynamo/errors.ts';
import { storedBytes } from '../engine/port/row-limits.ts';

interface ConsumedCapacity {
  CapacityUnits?: number;
}

const unitBytes = 1024;
/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-capacity-handling */
const transactionFactor = 2;

export interface MeteredCapacity {
  calls: number;
  writeUnits: number;
  readUnits: number;
  /** Writes whose condition failed. */
  refused: number;
}

const none: MeteredCapacity = { calls: 0, writeUnits: 0, readUnits: 0, refused: 0 };

const writes = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems']);

export class CapacityMeter {
  #counted: MeteredCapacity = { ...none };

  get counted(): MeteredCapacity {
    return { ...this.#counted };
  }

  /** Returns the counts so far and restarts from 0. */
  reset(): MeteredCapacity {
    const until = this.#counted;
    this.#counted = { ...none };
    return until;
  }

  /** The client, counted. */
  metered(client: DynamoClient): DynamoClient {
    return {
      call: async (operation, input, options) => {
        try {
          const called = await client.call(operation, { ...input, ReturnConsumedCapacity: 'TOTAL' }, options);
          this.#counted.calls += called.attempts;
          this.#charge(
            operation,
            (called.answer as { ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] }).ConsumedCapacity,
          );
          return called;
        } catch (error) {
          if (error instanceof DynamoError) this.#chargeRefused(input, error);
          throw error;
        }
      },
      destroy: () => client.destroy(),
    };
  }

  #charge(operation: string, consumed: ConsumedCapacity | ConsumedCapacity[] = []): void {
    const all = Array.isArray(consumed) ? consumed : [consumed];
    if (all.length === 0) throw new Error(`${operation} did not state its capacity units`);
    const units = all.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    if (writes.has(operation)) this.#counted.writeUnits += units;
    else this.#counted.readUnits += units;
  }

  #chargeRefused({ Item: put }: { Item?: Item }, { name, attempts, answer }: DynamoError): void {
    this.#counted.calls += attempts;
    if (name === 'ConditionalCheckFailedException') {
      this.#counted.refused++;
      this.#counted.writeUnits += Math.max(unitsOf(put), unitsOf((answer as { Item?: Item }).Item));
    }
    if (name === 'TransactionCanceledException') {
      for (const { Item: item } of (answer as { CancellationReasons?: { Item?: Item }[] }).CancellationReasons ?? []) {
        this.#counted.refused++;
        this.#counted.writeUnits += transactionFactor * unitsOf(item);
      }
    }
  }
}

function unitsOf(item: Item | undefined): number {
  return item === undefined ? 1 : Math.max(1, Math.ceil(storedBytes(fromItem(item)) / unitBytes));
}
