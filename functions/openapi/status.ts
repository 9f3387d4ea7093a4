/** The status of a server as the OpenAPI document describes it. */
import * as z from 'zod';
import type { OperationTextsOf } from './operation-text.ts';
import { instant, text } from './output-records.ts';

const count = (description: string) => z.number().int().min(0).describe(description);

export const serverStatus = z.object({
  version: text('The version of the server.'),
  now: instant("The server's clock."),
  store: z
    .object({
      kind: z.enum(['dynamodb', 'sqlite', 'memory']).describe('Where messages are kept.'),
      error: text('Why a table cannot be read; `null`: all can.').nullable(),
    })
    .describe('The store of the server.'),
  lastSweep: z
    .object({
      at: instant('When it ended.'),
      complete: z.boolean().describe('Whether it did everything that was due.'),
      failedQueues: count('Queues that it could not visit, because the store was too busy or did not answer.'),
      notReachedQueues: count('Queues for which its time was over.'),
    })
    .nullable()
    .describe('The latest sweep of any process that ended; `null`: none has.'),
  throttledWrites: count(
    'Writes that DynamoDB throttled in the last hour, also those that a retry brought through, as far as processes have reported them.',
  ),
  throttledReads: count('The same for reads.'),
});

export const statusTexts: OperationTextsOf<'getStatus'> = {
  getStatus: {
    tag: 'server',
    summary: 'Read the version, the store, the last sweep and throttles of a server',
    description: 'Needs the scope admin on all queues and topics (`*`).',
    output: {
      version: '0.1.0',
      now: '2026-01-31T12:00:00.000Z',
      store: { kind: 'dynamodb', error: null },
      lastSweep: { at: '2026-01-31T11:59:30.000Z', complete: true, failedQueues: 0, notReachedQueues: 0 },
      throttledWrites: 0,
      throttledReads: 0,
    },
    refusals: [],
  },
};
