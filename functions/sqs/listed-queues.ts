/** Lists of queues, in pages of SQS. */
import type { Queue } from '../../contract/contract.ts';
import { pageEntriesMax } from '../../contract/limits.ts';
import { formatCursor } from '../../engine/model/cursors.ts';
import { run, type SqsCall, type SqsParts } from './call.ts';
import { invalidValue, isRefused } from './errors.ts';
import { textOf, wholeOf } from './input.ts';

const resultsMax = 1000;

export interface ListedQueues {
  names: string[];
  /** Where the next page begins. SQS returns it only to callers that ask for pages. */
  next: { NextToken?: string };
}

/** The queues that the caller may see and that are wanted, one page of them. */
export async function listedQueues(parts: SqsParts, call: SqsCall, isWanted: (queue: Queue) => boolean): Promise<ListedQueues> {
  const maxResults = wholeOf(call.input, 'MaxResults', 1, resultsMax);
  const max = maxResults ?? resultsMax;
  const names: string[] = [];
  let cursor = textOf(call.input, 'NextToken') || undefined;
  do {
    const asked = { limit: pageEntriesMax, ...(cursor !== undefined && { cursor }) };
    const page = await run(parts, call, 'listQueues', {}, asked).catch((error: unknown) => {
      if (!isRefused(error, 'invalid_input')) throw error;
      throw invalidValue(cursor, 'NextToken', 'It must be one that this action returned.');
    });
    for (const queue of page.queues.filter(isWanted)) {
      if (names.length === max) {
        return { names, next: maxResults === undefined ? {} : { NextToken: formatCursor({ name: names.at(-1)! }) } };
      }
      names.push(queue.name);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { names, next: {} };
}
