/**
 * Entries of TransactWriteItems as they travel:
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */

/**
 * A value in DynamoDB's JSON, as low-level clients take it. Bytes (`B`) travel as base64. The SDK and the direct transport
 * return them as Uint8Array: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
 */
export type ItemValue<Bytes extends string | Uint8Array = string | Uint8Array> =
  | { S: string }
  | { N: string }
  | { BOOL: boolean }
  | { B: Bytes }
  | { L: ItemValue<Bytes>[] }
  | { M: { [name: string]: ItemValue<Bytes> } };

/** The table, condition and placeholders of a write. `Values` are in the form of the client that sends it. */
interface ItemTerms<Values> {
  TableName: string;
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Values;
}

/** One entry of TransactWriteItems: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItem.html */
export interface TransactionItem<Values = Record<string, ItemValue>> {
  Put?: ItemTerms<Values> & { Item: Values };
  Update?: ItemTerms<Values> & { Key: Values; UpdateExpression: string };
}

/** Any entry of TransactWriteItems, the queue's or the caller's. */
export interface TransactionWrite {
  Put?: object | undefined;
  Update?: object | undefined;
  Delete?: object | undefined;
  ConditionCheck?: object | undefined;
}
