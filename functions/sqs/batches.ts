/** Batches: their checks as a whole, and the result of each entry. */
import type { Refused } from '../../contract/contract.ts';
import { anyMessageIdCharsMax } from '../../contract/limits.ts';
import { anyIdCharacters } from '../../contract/path-names.ts';
import { missing, SqsError, sqsErrorOf } from './errors.ts';
import { type Input, objectsOf, textOf } from './input.ts';
import type { SqsLimits } from './limits.ts';

const entryId = /^[A-Za-z0-9_-]{1,80}$/;
/** Programs name an entry by the id of its message, which is here longer and of more characters than a UUID. */
const entryOrMessageId = new RegExp(`^[${anyIdCharacters}]{1,${anyMessageIdCharsMax}}$`);

export interface BatchEntry {
  id: string;
  input: Input;
}

/** The result of one entry: fields to return with its id, or an error. */
export type EntryResult = object | SqsError;

/** Throws the errors that concern the whole batch. `of`: whether its entries are new messages or received ones. */
export function batchEntriesOf(
  input: Input,
  of: 'new' | 'received',
  { entriesMax }: Pick<SqsLimits, 'entriesMax'>,
): BatchEntry[] {
  const idForm = of === 'new' ? entryId : entryOrMessageId;
  const entries = objectsOf(input, 'Entries');
  if (entries.length === 0) {
    throw new SqsError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  }
  if (entries.length > entriesMax) {
    throw new SqsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${entriesMax}. You have sent ${entries.length}.`,
    );
  }
  const seen = new Set<string>();
  return entries.map((entry) => {
    const id = textOf(entry, 'Id');
    if (id === undefined) throw missing('Id');
    if (!idForm.test(id)) {
      throw new SqsError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      );
    }
    if (seen.has(id)) throw new SqsError('BatchEntryIdsNotDistinct', `Id ${id} repeated.`);
    seen.add(id);
    return { id, input: entry };
  });
}

/** Reads or checks each entry. An error of SQS becomes the result of its entry. */
export function eachEntry<T>(entries: readonly BatchEntry[], read: (input: Input, index: number) => T): (T | SqsError)[] {
  return entries.map(({ input }, index) => {
    try {
      return read(input, index);
    } catch (error) {
      if (error instanceof SqsError) return error;
      throw error;
    }
  });
}

/** The output of a batch: each entry under `Successful` or `Failed`. A list without entries is left out, except that one is there. */
export function batchOutput(entries: readonly BatchEntry[], results: readonly EntryResult[]): object {
  const successful: object[] = [];
  const failed: object[] = [];
  entries.forEach(({ id }, index) => {
    const result = results[index]!;
    if (!(result instanceof SqsError)) successful.push({ Id: id, ...result });
    else failed.push({ Id: id, SenderFault: result.isSender, Code: result.terms.queryCode, Message: result.message });
  });
  return { ...(successful.length > 0 && { Successful: successful }), ...(failed.length > 0 && { Failed: failed }) };
}

export function refusedEntry(refused: Refused): SqsError {
  return sqsErrorOf(refused);
}
