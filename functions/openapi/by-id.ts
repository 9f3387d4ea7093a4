/** What the OpenAPI document says of the operations on one message by its id. */
import type { OperationTextsOf } from './operation-text.ts';

const at = '2026-01-31T12:00:00.000Z';
const later = '2026-01-31T12:00:30.000Z';
const id = '01kg9zt2m4q8r6s0v3x5y7z9~0';

export const byIdTexts: OperationTextsOf<'getMessage' | 'updateMessage' | 'cancelMessage'> = {
  getMessage: {
    tag: 'messages',
    summary: 'Read one message by its id, and wait for its end',
    description:
      'One that has ended is shown for as long as its queue keeps it. With `waitSeconds` the answer comes as soon as the message has ended or is in another queue, or after that time with the message as it is then.',
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
    summary: 'Change a message that waits: when it comes, its priority, its content',
    description:
      'What is left out, or null, stays: a new body has a field of its own, `content`. A message that is leased is not changed. One published with others leaves them.',
    input: { deliverAt: later, priority: 2 },
    output: { id, visibleAt: later },
    refusals: ['queue_not_found', 'message_not_found', 'message_leased', 'message_prepared'],
  },
  cancelMessage: {
    tag: 'messages',
    summary: 'Cancel a message: it is never received again',
    description:
      'One that is leased is refused, unless `force` is true: its holder is then told `cancelled`, and its place under `limits.concurrency` is ' +
      'free. Cancelling again changes nothing. An own id is free for another message at once, unless the setting `idempotency` is `ended`.',
    output: {},
    refusals: ['queue_not_found', 'message_not_found', 'message_leased'],
  },
};
