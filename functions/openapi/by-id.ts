/** The OpenAPI texts of the operations on one message by its id. */
import type { OperationTextsOf } from './operation-text.ts';

const at = '2026-01-31T12:00:00.000Z';
const later = '2026-01-31T12:00:30.000Z';
const id = '01kg9zt2m4q8r6s0v3x5y7z9~0';

export const byIdTexts: OperationTextsOf<'getMessage' | 'updateMessage' | 'cancelMessage' | 'releaseMessage'> = {
  getMessage: {
    tag: 'messages',
    summary: 'Read one message by its id, and optionally wait until it ends',
    description:
      'An ended message can be read for as long as its queue keeps it. With `waitSeconds`, the call returns when the message ends or moves to another queue. Otherwise it returns after that time, with the message as it is then.',
    output: {
      id,
      queue: 'orders',
      state: 'done',
      body: { order: 1234 },
      attributes: {},
      receives: 1,
      failures: 0,
      publishedAt: at,
      visibleAt: later,
      expiresAt: null,
      progress: 1,
      endedAt: later,
      keptUntil: '2026-02-07T12:00:30.000Z',
      result: { total: 12.5 },
    },
    refusals: ['queue_not_found', 'message_not_found'],
  },
  updateMessage: {
    tag: 'messages',
    summary: 'Change when a waiting message can be received, its priority or its content',
    description:
      'Fields that are left out or null keep their values. A new body goes into the field `content`. A leased message cannot be changed. A message that shares a row with others moves to its own row.',
    input: { deliverAt: later, priority: 2 },
    output: { id, visibleAt: later },
    refusals: ['queue_not_found', 'message_not_found', 'message_leased', 'message_prepared'],
  },
  cancelMessage: {
    tag: 'messages',
    summary: 'Cancel a message: it is never received again',
    description:
      'A leased message is refused unless `force` is true. With `force`, the next ack, release or extend of its receiver fails with `cancelled`, and ' +
      'its place under `limits.concurrency` becomes free. Cancelling again has no effect. An id chosen by the caller becomes free at once, ' +
      'unless the setting `idempotency` is `ended`.',
    output: {},
    refusals: ['queue_not_found', 'message_not_found', 'message_leased'],
  },
  releaseMessage: {
    tag: 'messages',
    summary: 'End the lease of a message without its receipt',
    description:
      'The message can be received again after `delaySeconds`, or at once without it. The next ack, release or extend of its receiver fails with ' +
      '`lease_lost`, and its place under `limits.concurrency` becomes free. The receive stays counted, and is no failure. After its last receive, ' +
      'the message moves to the dead-letter queue. A message that is not leased stays as it is, so a repeat changes nothing. If the message may ' +
      'have been received again before a repeat, name the lease by `receives`.',
    input: { receives: 1 },
    output: { visibleAt: at },
    refusals: ['queue_not_found', 'message_not_found', 'message_prepared'],
  },
};
