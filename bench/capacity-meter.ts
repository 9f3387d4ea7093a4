/**
 * The capacity meter. It counts the calls of an AWS client to DynamoDB, including retries, and the capacity units that DynamoDB reports with
 * each response.
 *
 * A write whose condition fails is billed, but the error does not report its units. The meter computes them: one unit per started kibibyte
 * of the existing row or of the row to put, whichever is larger.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#write-operation-consumption
 */
import {
  ConditionalCheckFailedException,
  type ConsumedCapacity,
  type DynamoDBClient,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { fromItem, type Item } from '../engine/dynamo/attribute-values.ts';
import { storedBytes } from '../engine/port/row-limits.ts';

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

  watch(client: DynamoDBClient): void {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const operation = (context.commandName ?? '').replace(/Command$/, '');
        // Change the input in place: the store identifies its calls by their input objects.
        (args.input as { ReturnConsumedCapacity?: string }).ReturnConsumedCapacity = 'TOTAL';
        try {
          const answer = await next(args);
          this.#charge(
            operation,
            (answer.output as { ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] }).ConsumedCapacity,
          );
          return answer;
        } catch (error) {
          this.#chargeRefused(args.input as { Item?: Item }, error);
          throw error;
        }
      },
      { name: 'meterUnits', step: 'initialize' },
    );
    client.middlewareStack.add(
      (next) => async (args) => {
        this.#counted.calls++;
        return next(args);
      },
      // This step runs once per attempt, including retries.
      { name: 'meterCalls', step: 'finalizeRequest', priority: 'low' },
    );
  }

  #charge(operation: string, consumed: ConsumedCapacity | ConsumedCapacity[] = []): void {
    const all = Array.isArray(consumed) ? consumed : [consumed];
    if (all.length === 0) throw new Error(`${operation} did not state its capacity units`);
    const units = all.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    if (writes.has(operation)) this.#counted.writeUnits += units;
    else this.#counted.readUnits += units;
  }

  #chargeRefused({ Item: put }: { Item?: Item }, error: unknown): void {
    if (error instanceof ConditionalCheckFailedException) {
      this.#counted.refused++;
      this.#counted.writeUnits += Math.max(unitsOf(put), unitsOf(error.Item));
    }
    if (error instanceof TransactionCanceledException) {
      for (const { Item: item } of error.CancellationReasons ?? []) {
        this.#counted.refused++;
        this.#counted.writeUnits += transactionFactor * unitsOf(item);
      }
    }
  }
}

function unitsOf(item: Item | undefined): number {
  return item === undefined ? 1 : Math.max(1, Math.ceil(storedBytes(fromItem(item)) / unitBytes));
}
