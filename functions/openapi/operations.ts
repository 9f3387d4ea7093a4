/** The OpenAPI texts of each operation: summary, description, example, and the error codes specific to it. */
import type { OperationName } from '../../contract/contract.ts';
import type { ErrorCode } from '../../contract/errors.ts';
import { peekFilterBytesMax, peekRowsMax } from '../../contract/limits.ts';
import { auditTexts } from './audit.ts';
import { byIdTexts } from './by-id.ts';
import { keyTexts } from './keys.ts';
import type { OperationTextsOf } from './operation-text.ts';
import { scheduleTexts } from './schedules.ts';
import { statsExample } from './stats.ts';
import { statusTexts } from './status.ts';
import { targetTexts } from './targets.ts';
import { topicTexts } from './topics.ts';
import { transactionTexts } from './transactions.ts';

const at = '2026-01-31T12:00:00.000Z';
const later = '2026-01-31T12:00:30.000Z';
const id = '01kg9zt2m4q8r6s0v3x5y7z9~0';
const receipt = 'r1.01kg9zt2m4q8r6s0v3x5y7z9.0.k3v5x7z9b2d4f6h8';
const settings = { visibilityTimeoutSeconds: 30, delaySeconds: 0, retentionSeconds: 1_209_600 };
const orders = {
  name: 'orders',
  ...settings,
  deadLetter: { queue: 'orders-dead', maxReceives: 5 },
  backoff: { minSeconds: 1, maxSeconds: 300, factor: 2, jitter: 0.5 },
  priority: { levels: 3, order: 'strict' as const },
  groups: null,
  limits: null,
  deduplication: null,
  prepared: null,
  keep: null,
  idempotency: 'acked' as const,
  sqs: null,
  paused: false,
  createdAt: at,
  updatedAt: at,
};
const body = { order: 1234 };
const task = {
  id: '01kg9zv0a1b2c3d4e5f6g7h8',
  queue: 'orders-dead',
  toQueue: null,
  state: 'running' as const,
  moved: 120,
  skipped: 3,
  startedAt: at,
  updatedAt: later,
  endedAt: null,
  error: null,
};
const ofQueue: ErrorCode[] = ['queue_not_found'];

export const operationTexts: OperationTextsOf<OperationName> = {
  createQueue: {
    tag: 'queues',
    summary: 'Create a queue',
    description:
      'Settings that are left out get their defaults, and so do fields left out of a setting that is an object. Creating a queue again with the same settings has no effect. With other settings it is refused with `queue_exists`, so that a starting program cannot revert later changes: use PATCH to change settings.',
    input: { deadLetter: orders.deadLetter, backoff: orders.backoff },
    output: orders,
    refusals: ['queue_exists'],
  },
  getQueue: {
    tag: 'queues',
    summary: "Read a queue's settings and counts",
    output: {
      ...orders,
      counts: { ready: 12, delayed: 3, leased: 4, dead: 0, prepared: 0, oldestAgeSeconds: 1.5, atLeast: false },
    },
    refusals: ofQueue,
  },
  updateQueue: {
    tag: 'queues',
    summary: "Change some of a queue's settings",
    description:
      'Settings that are left out keep their values. A setting that is an object replaces the previous one: fields left out of it get their defaults. Messages that were already published keep the delay and the retention that were fixed at publish.',
    input: { visibilityTimeoutSeconds: 60 },
    output: { ...orders, visibilityTimeoutSeconds: 60, updatedAt: later },
    refusals: ofQueue,
  },
  deleteQueue: {
    tag: 'queues',
    summary: 'Delete a queue and its messages',
    output: {},
    refusals: ['queue_not_found', 'queue_in_use'],
  },
  listQueues: {
    tag: 'queues',
    summary: 'List the queues that the key covers',
    description:
      'A page may be shorter than `limit` and still have a cursor. With `counts`, the call counts the messages of each queue of the page: it costs as much as reading each. With `lastHour`, it reads the statistics of each.',
    output: { queues: [orders] },
    refusals: [],
  },
  publish: {
    tag: 'messages',
    summary: 'Publish 1 to 100 messages',
    description: 'Each message has its own result, in the order of the call. The call returns when the messages are stored.',
    input: {
      messages: [
        { body, attributes: { kind: 'created' } },
        { body, id: 'order-1234', delaySeconds: 60 },
      ],
    },
    output: {
      results: [
        { ok: true, id },
        { ok: true, id: 'order-1234', duplicate: true },
      ],
    },
    refusals: ofQueue,
  },
  receive: {
    tag: 'messages',
    summary: 'Receive and lease messages',
    description:
      'Waits up to `waitSeconds` for the first message. Each message is hidden from other receivers until its lease ends (`leasedUntil`): ack it before. The visibility timeout starts at about the time of the answer. A message that was claimed but not delivered is ready again at once, and this receive does not count. That happens if its lease expires before the answer, or if the caller closes the connection. Over Lambda and API Gateway a closed connection is not noticed: the lease lasts its full time. A waiting receive keeps a function running there, which is billed. If the answer lacks `waitIsCheap`, pause between receives instead, longer after each empty answer.',
    input: { max: 10, visibilityTimeoutSeconds: 30, waitSeconds: 20 },
    output: {
      messages: [
        { id, body, attributes: {}, receipt, receives: 1, failures: 0, publishedAt: at, firstReceivedAt: at, leasedUntil: later },
      ],
    },
    refusals: [...ofQueue, 'clock_skewed'],
  },
  ack: {
    tag: 'messages',
    summary: 'Acknowledge messages: they are done and are never received again',
    description:
      '`result` applies to all messages of the call. It can be read by id for as long as the queue keeps acked messages.',
    input: { receipts: [receipt], result: { total: 12.5 } },
    output: { results: [{ ok: true }] },
    refusals: ofQueue,
  },
  release: {
    tag: 'messages',
    summary: 'Give messages back early',
    description:
      'A message can be received again after `delaySeconds`, or at once without it. With `failed`, a text that says why, the release counts as ' +
      'a failure, and the message waits for the backoff of the queue. With `deadLetter`, the message moves to the dead-letter queue with the ' +
      'reason `rejected`. In a queue without a dead-letter queue, `deadLetter` only counts as a failure, and the answer says when the message ' +
      'can be received again.',
    input: { receipts: [receipt], failed: 'The printer is out of paper' },
    output: { results: [{ ok: true, visibleAt: later }] },
    refusals: ofQueue,
  },
  extend: {
    tag: 'messages',
    summary: 'Extend leases, counted from now, and report progress',
    input: { receipts: [receipt], visibilityTimeoutSeconds: 60, progress: 0.4 },
    output: { results: [{ ok: true, leasedUntil: later }] },
    refusals: ofQueue,
  },
  ...transactionTexts,
  purge: {
    tag: 'messages',
    summary: 'Remove all messages published before now',
    description:
      'The call returns after about two seconds, when no process uses older settings any more. A receive in progress delivers none of these messages later than two seconds after the answer. Places under `limits.concurrency` that purged messages held become free. A group continues with messages published after the purge. A settle of a purged message may fail with `lease_lost`.',
    output: { purgedBefore: at },
    refusals: ofQueue,
  },
  peek: {
    tag: 'messages',
    summary: 'Read messages of a queue without receiving them',
    description: `All filters that are given apply together. Give the same ones with a \`cursor\`. A call reads at most ${peekRowsMax} rows, and at most ${peekFilterBytesMax} bytes of large bodies to filter by \`text\` or \`attribute\`, so a page may be short, or empty, and still have a cursor.`,
    output: {
      examined: 1,
      messages: [
        {
          id,
          queue: 'orders',
          state: 'ready',
          body,
          attributes: {},
          receives: 0,
          failures: 0,
          publishedAt: at,
          visibleAt: at,
          expiresAt: '2026-02-14T12:00:00.000Z',
        },
      ],
    },
    refusals: ofQueue,
  },
  ...byIdTexts,
  commitMessage: {
    tag: 'messages',
    summary: 'Commit a prepared message, so that it can be received now or after its delay',
    description: 'Committing again has no effect. For an hour after a rollback, a commit is refused with `message_rolled_back`.',
    output: {},
    refusals: ['queue_not_found', 'message_not_found', 'message_rolled_back'],
  },
  rollbackMessage: {
    tag: 'messages',
    summary: 'Roll back a prepared message: it is never received',
    description:
      'Rolling back again has no effect. A message that is committed, or was published without `prepared`, is refused: cancel it instead.',
    output: {},
    refusals: ['queue_not_found', 'message_not_found', 'message_committed'],
  },
  redrive: {
    tag: 'redrive',
    summary: 'Move dead letters back, or to another queue',
    description:
      "The call returns at once with a task that runs in the background. Without a selection, the task moves all messages. `ratePerSecond` counts messages: at most one second's share moves at once. If the queue or `toQueue` is deleted while the task runs, even if it is created again, the task ends as `failed` with an `error` that says so.",
    input: { reason: 'max_receives', ratePerSecond: 50 },
    output: { ...task, moved: 0, skipped: 0 },
    refusals: ofQueue,
  },
  getRedrive: {
    tag: 'redrive',
    summary: 'Read the progress of a redrive',
    output: task,
    refusals: ['queue_not_found', 'task_not_found'],
  },
  cancelRedrive: {
    tag: 'redrive',
    summary: 'Cancel a redrive; messages already moved stay moved',
    output: { ...task, state: 'cancelled', endedAt: later },
    refusals: ['queue_not_found', 'task_not_found'],
  },
  queueStats: {
    tag: 'queues',
    summary: 'Read what happened in a queue, in steps of ten minutes or more',
    description:
      'The counts are for people, not for accounting: each process reports once a minute, and one that dies takes its last minute with it. Statistics are kept for 30 days.',
    output: { points: [statsExample] },
    refusals: ofQueue,
  },
  rotateSigningSecret: {
    tag: 'queues',
    summary: 'Create a new secret that signs what the queue sends to URLs; it is shown only once',
    description:
      'The queue signs its questions about prepared messages, and the messages that it pushes to URLs, as Standard Webhooks specifies. Earlier secrets also keep signing for a day: give the new one to the verifying side within that time.',
    output: { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw4S5w0pQ1mxE=' },
    refusals: ofQueue,
  },
  ...targetTexts,
  ...scheduleTexts,
  ...topicTexts,
  ...keyTexts,
  ...auditTexts,
  ...statusTexts,
  health: { tag: 'server', summary: 'Check that the server answers', output: { status: 'ok' }, refusals: [] },
};
