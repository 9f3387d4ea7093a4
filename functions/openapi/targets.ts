/** The OpenAPI texts of the operations on targets. */
import type { OperationTextsOf } from './operation-text.ts';

const at = '2026-01-31T12:00:00.000Z';
const hook = {
  queue: 'orders',
  name: 'shop',
  functionName: null,
  url: 'https://shop.example.com/hooks/orders',
  batchSize: 1,
  maxBatchingWindowSeconds: 0,
  maxConcurrency: 10,
  reportBatchItemFailures: false,
  format: 'json' as const,
  timeoutSeconds: 10,
  state: 'active' as const,
  failures: 0,
  nextTryAt: null,
  lastError: null,
  createdAt: at,
  updatedAt: at,
};
const tag = 'targets' as const;

export const targetTexts: OperationTextsOf<'putTarget' | 'getTarget' | 'deleteTarget' | 'listTargets'> = {
  putTarget: {
    tag,
    summary: 'Push the messages of a queue to a function or a URL, or change such a target',
    description:
      'Fields that are left out get their defaults. Putting a target again makes it active: it is no longer broken or ended. A change is in force within two seconds. Each message goes to one of the targets of its queue.',
    input: { url: hook.url },
    output: hook,
    refusals: ['queue_not_found'],
  },
  getTarget: {
    tag,
    summary: 'Read a target and its state',
    description:
      'A target is `broken` after five failures in a row, and gets one message at `nextTryAt`. It is `ended` after its URL answered 410.',
    output: {
      ...hook,
      state: 'broken',
      failures: 5,
      nextTryAt: '2026-01-31T12:00:10.000Z',
      lastError: { at, message: 'HTTP 503' },
    },
    refusals: ['queue_not_found', 'target_not_found'],
  },
  deleteTarget: {
    tag,
    summary: 'Delete a target',
    description: 'No delivery begins later than two seconds after the answer. Messages stay in the queue.',
    output: {},
    refusals: ['queue_not_found', 'target_not_found'],
  },
  listTargets: {
    tag,
    summary: "List a queue's targets by name",
    output: { targets: [hook] },
    refusals: ['queue_not_found'],
  },
};
