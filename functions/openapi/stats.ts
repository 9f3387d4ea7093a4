/** Statistics of a queue, and of a topic, as the OpenAPI document describes them. */
import * as z from 'zod';
import type { QueueStatsPoint, TopicStatsPoint } from '../../contract/contract.ts';
import { instant } from './output-records.ts';

const count = (description: string) => z.number().int().min(0).describe(description);
const seconds = (description: string) => z.number().min(0).describe(description);
const percentiles = (description: string) =>
  z
    .object({
      p50: seconds('The time that half of the messages did not exceed.'),
      p95: seconds('The time that 95 of 100 messages did not exceed.'),
      p99: seconds('The time that 99 of 100 messages did not exceed.'),
    })
    .nullable()
    .describe(`${description} In seconds, rounded up to one of 14 bounds from 0.01 s to a day; \`null\` if there was none.`);

export const statsPoint = z
  .object({
    at: instant('When the step begins.'),
    published: count(
      "Messages published here; not those of a topic, of a schedule, of a redrive or of a transaction of the caller's own.",
    ),
    received: count('Messages received.'),
    acked: count('Messages acked.'),
    failed: count('Releases with `failed`. Expired leases are not counted.'),
    expired: count('Messages removed at the end of their retention.'),
    deadLettered: count('Messages dead-lettered.'),
    emptyReceives: count('Receives that found nothing.'),
    waiting: count(
      'Messages that the last sweep of the step saw waiting, as far as it looked; `null` if it saw none.',
    ).nullable(),
    oldestAgeSeconds: seconds('How long the oldest of them had waited, in seconds.').nullable(),
    waitingSeconds: percentiles('The time from publish to first receive.'),
    handlingSeconds: percentiles('The time from receive to ack, where one process did both.'),
  })
  .describe('What happened in one step.');

export const statsExample: QueueStatsPoint = {
  at: '2026-01-31T12:00:00.000Z',
  published: 1200,
  received: 1198,
  acked: 1190,
  failed: 8,
  expired: 0,
  deadLettered: 1,
  emptyReceives: 42,
  waiting: 2,
  oldestAgeSeconds: 3,
  waitingSeconds: { p50: 0.03, p95: 0.3, p99: 1 },
  handlingSeconds: { p50: 0.1, p95: 0.3, p99: 3 },
};

export const topicStatsPoint = z
  .object({
    at: instant('When the step begins.'),
    published: count(
      "Messages published; not those of a transaction of the caller's own. Prepared ones count when they are committed.",
    ),
    delivered: count('Copies of them that subscriptions get.'),
    filtered: count('Copies that subscriptions do not get, because they do not match.'),
    unmatched: count('Messages that no subscription gets.'),
    undelivered: count(
      'Publishes that the last sweep of the step saw on their way to subscriptions; `null` if it saw none.',
    ).nullable(),
    oldestAgeSeconds: seconds('How long sweeps had found the oldest of them unfinished, in seconds.').nullable(),
  })
  .describe('What was published in one step.');

export const topicStatsExample: TopicStatsPoint = {
  at: '2026-01-31T12:00:00.000Z',
  published: 300,
  delivered: 580,
  filtered: 320,
  unmatched: 2,
  undelivered: null,
  oldestAgeSeconds: null,
};
