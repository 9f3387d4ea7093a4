/** Lists of queues, in pages of SQS. */
import type { Queue } from '../../contract/contract.ts';
import { pageEntriesMax } from '../../contract/limits.ts';
import { formatCursor } from '../../engine/model/cursors.ts';
import { run, type SqsCall, type SqsParts } from './call.ts';
import { textOf, wholeOf } from './input.ts';

const resultsMax = 1000;

export interface ListedQueues {
  names: string[];
  /** Where the next page begins. SQS returns it only to callers that ask for pages. */
  next: { NextToken?: string };
}

/** The queues that the caller may see and that are wanted, one page of them. */
export async function listedQueues(parts: SqsParts, call: SqsCall, isWanted: (queue: Queue) => boolean): Promise<ListedQueues> {
  const asked = wholeOf(call.input, 'MaxResults', 1, resultsMax);
  const max = asked ?? resultsMax;
  const names: string[] = [];
  let cursor = textOf(call.input, 'NextToken') || undefined;
  do {
    const page = await run(parts, call, 'listQueues', {}, { limit: pageEntriesMax, ...(cursor !== undefined && { cursor }) });
    for (const queue of page.queues.filter(isWanted)) {
      if (names.length === max) {
        return { names, next: asked === undefined ? {} : { NextToken: formatCursor({ name: names.at(-1)! }) } };
      }
      names.push(queue.name);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { names, next: {} };
}
