/** What the OpenAPI document says of each operation: summary, description, example, and the error codes specific to it. */
import type { OperationName } from '../../contract/contract.ts';
import type { ErrorCode } from '../../contract/errors.ts';
import { byIdTexts } from './by-id.ts';
import type { OperationTextsOf } from './operation-text.ts';
import { scheduleTexts } from './schedules.ts';
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
const key = {
  id: '7m2k9q4t1x8v',
  name: 'billing worker',
  queues: ['orders', 'orders-*'],
  scopes: ['publish' as const, 'receive' as const],
  createdAt: at,
  expiresAt: null,
  lastUsedAt: null,
};
const ofQueue: ErrorCode[] = ['queue_not_found'];

export const operationTexts: OperationTextsOf<OperationName> = {
  createQueue: {
    tag: 'queues',
    summary: 'Create a queue',
    description:
      'Settings left out take their defaults, and so do fields left out of a setting that is an object. Creating a queue again with the same settings changes nothing; with others it is refused with `queue_exists`, so that a program cannot undo what somebody changed: use PATCH.',
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
      'Settings left out stay as they are. A setting that is an object takes the place of the one before: fields left out of it take their defaults. What was fixed at publish (delay, retention) stays for messages already there.',
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
    description: 'A page may be shorter than `limit` and still have a cursor.',
    output: { queues: [orders] },
    refusals: [],
  },
  publish: {
    tag: 'messages',
    summary: 'Publish 1 to 100 messages',
    description: 'Each has a result of its own, in order. The answer comes when they are stored.',
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
    summary: 'Receive messages, and lease them',
    description:
      'Waits up to `waitSeconds` for the first one. Each is hidden from others until its lease ends (`leasedUntil`): ack it before. The visibility timeout counts from about the answer. What is claimed and not delivered (its lease ran out before, or the caller closed the connection) is ready again at once, and its receive does not count; over Lambda and API Gateway a closed connection is not seen, and the lease runs its time. There a receive that waits keeps a function running, which is charged: where the answer lacks `waitIsCheap`, pause between receives instead, longer with each empty one.',
    input: { max: 10, visibilityTimeoutSeconds: 30, waitSeconds: 20 },
    output: {
      messages: [{ id, body, attributes: {}, receipt, receives: 1, failures: 0, publishedAt: at, leasedUntil: later }],
    },
    refusals: [...ofQueue, 'clock_skewed'],
  },
  ack: {
    tag: 'messages',
    summary: 'Acknowledge messages: they are done, and never come again',
    description:
      'A `result` can be read by id for as long as the queue keeps what is done; it is of all the messages of the call.',
    input: { receipts: [receipt], result: { total: 12.5 } },
    output: { results: [{ ok: true }] },
    refusals: ofQueue,
  },
  release: {
    tag: 'messages',
    summary: 'Give messages back early',
    description:
      'A message comes again after `delaySeconds`. Without that it comes at once; with `failed`, a text that says why, the release counts ' +
      'as a failure, and the message comes after the backoff of the queue. With `deadLetter` it is moved to the dead-letter queue, with the ' +
      'reason `rejected`; where the queue has none, that is a failure like any other, and the answer says when the message comes.',
    input: { receipts: [receipt], failed: 'The printer is out of paper' },
    output: { results: [{ ok: true, visibleAt: later }] },
    refusals: ofQueue,
  },
  extend: {
    tag: 'messages',
    summary: 'Extend leases, counted from now, and tell how far the work is',
    input: { receipts: [receipt], visibilityTimeoutSeconds: 60, progress: 0.4 },
    output: { results: [{ ok: true, leasedUntil: later }] },
    refusals: ofQueue,
  },
  ...transactionTexts,
  purge: {
    tag: 'messages',
    summary: 'Remove all messages published before now',
    description:
      'Answers after about two seconds, when no process remembers older settings. A receive under way delivers nothing of them later than two seconds after the answer. Places under `limits.concurrency` of what was received before the purge are free, and a group goes on with what is published after it; whoever still holds a purged message may be told `lease_lost`.',
    output: { purgedBefore: at },
    refusals: ofQueue,
  },
  peek: {
    tag: 'messages',
    summary: 'Read messages of a queue without receiving them',
    output: {
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
    summary: 'Commit a prepared message: from now on, or after its delay, it can be received',
    description: 'Committing it again changes nothing. For an hour after it was rolled back, a commit is told so.',
    output: {},
    refusals: ['queue_not_found', 'message_not_found', 'message_rolled_back'],
  },
  rollbackMessage: {
    tag: 'messages',
    summary: 'Roll a prepared message back: nobody ever receives it',
    description:
      'Rolling it back again changes nothing. One that is committed, or was published at once, is refused: cancel it instead.',
    output: {},
    refusals: ['queue_not_found', 'message_not_found', 'message_committed'],
  },
  redrive: {
    tag: 'redrive',
    summary: 'Move dead letters back, or to another queue',
    description:
      "Answers at once with a task that goes on by itself. Without a selection, all are moved. `ratePerSecond` counts messages: no more than a second's share is moved at once. When the queue, or `toQueue`, is deleted while the task runs, also when another is made under its name, the task ends as `failed` with an `error` that says so.",
    input: { reason: 'max_receives', ratePerSecond: 50 },
    output: { ...task, moved: 0, skipped: 0 },
    refusals: ofQueue,
  },
  getRedrive: {
    tag: 'redrive',
    summary: 'Read how far a redrive is',
    output: task,
    refusals: ['queue_not_found', 'task_not_found'],
  },
  cancelRedrive: {
    tag: 'redrive',
    summary: 'Stop a redrive; what was moved stays moved',
    output: { ...task, state: 'cancelled', endedAt: later },
    refusals: ['queue_not_found', 'task_not_found'],
  },
  rotateSigningSecret: {
    tag: 'queues',
    summary: 'Make the secret that signs what the queue sends to URLs; it is shown this once',
    description:
      'Questions about prepared messages are signed by Standard Webhooks. Earlier secrets sign beside the new one for a day, so that there is time to give it to what verifies.',
    output: { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw4S5w0pQ1mxE=' },
    refusals: ofQueue,
  },
  ...scheduleTexts,
  createKey: {
    tag: 'keys',
    summary: 'Create an API key, which is shown this once',
    description:
      'Needs the scope admin on all queues (`*`). A key gives no scope that it lacks itself, and makes none that outlives it.',
    input: { name: key.name, queues: key.queues, scopes: key.scopes },
    output: { ...key, key: 'dw_7m2k9q4t1x8v_0a1b2c3d4e5f6g7h8j9k0m1n2p3q4r5s' },
    refusals: [],
  },
  listKeys: { tag: 'keys', summary: 'List API keys, without their secrets', output: { keys: [key] }, refusals: [] },
  revokeKey: {
    tag: 'keys',
    summary: 'Revoke an API key',
    description: 'It stops working everywhere within a minute.',
    output: {},
    refusals: ['key_not_found'],
  },
  health: { tag: 'server', summary: 'Whether the server answers', output: { status: 'ok' }, refusals: [] },
};
