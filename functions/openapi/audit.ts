/** The audit as the OpenAPI document describes it. */
import * as z from 'zod';
import { auditedOperations } from '../../contract/audit.ts';
import { auditExaminedMax } from '../../contract/limits.ts';
import type { OperationTextsOf } from './operation-text.ts';
import { instant, text } from './output-records.ts';

export const auditEntry = z
  .object({
    at: instant('When the change was recorded.'),
    operation: z.enum(auditedOperations).describe('The operation that was called.'),
    key: z
      .object({
        id: text('The id of the key; `admin` for the first key of a deployment, `iam` for a caller that AWS authorized.'),
        name: text('The name of the key.').exactOptional(),
      })
      .describe('The key of the call.'),
    params: z
      .record(z.string(), z.string())
      .describe('What was changed: the parameters of the operation, such as `queue` and `id`.'),
    input: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).meta({
      description:
        'The fields of the input. Numbers, booleans and `null` are as they were sent; the scopes of a key are a text; any other value is `…`, because it may be a body or a secret.',
      type: 'object',
      additionalProperties: true,
    }) as unknown as z.ZodType<{ [field: string]: string | number | boolean | null }>,
  })
  .describe('One call that changed something.');

export const auditTexts: OperationTextsOf<'listAudit'> = {
  listAudit: {
    tag: 'audit',
    summary: 'Read which key changed what lately, newest first',
    description: `Needs the scope admin on all queues and topics (\`*\`). A call is recorded after its change, for 30 days, if it arrives over HTTP, by Lambda invoke or as a call of SQS. A change that cannot be recorded succeeds all the same. Each call examines at most about ${auditExaminedMax} entries: with a filter, a page may have fewer entries than \`limit\` and still have a cursor.`,
    output: {
      entries: [
        {
          at: '2026-01-31T12:00:00.000Z',
          operation: 'updateQueue',
          key: { id: '7m2k9q4t1x8v', name: 'on call' },
          params: { queue: 'orders' },
          input: { paused: true },
        },
      ],
    },
    refusals: [],
  },
};
