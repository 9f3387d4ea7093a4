/** Schemas of the records that the API returns for topics: topics, subscriptions, and the result of a test. */
import * as z from 'zod';
import type { Filter, Json, QueueSettingsInput } from '../../contract/contract.ts';
import * as field from '../../contract/schemas/fields.ts';
import { filterScope } from '../../contract/schemas/topic.ts';
import { counts, instant, text } from './output-records.ts';

const json = (description: string) => z.unknown().describe(description) as z.ZodType<Json>;
const seconds = (description: string) => z.number().int().min(0).nullable().describe(description);

export const topic = z.object({
  name: field.topicName.describe('The name of the topic.'),
  queueSettings: z
    .record(z.string(), z.unknown())
    .describe(
      'Settings of the queues that its subscriptions own, where a subscription gives none.',
    ) as unknown as z.ZodType<QueueSettingsInput>,
  preparedTimeoutSeconds: seconds(
    'How long a prepared publish waits for its commit; `null`: publishes with `prepared` are refused.',
  ),
  subscriptions: z.number().int().min(0).describe('How many subscriptions it has.'),
  createdAt: instant('When it was created.'),
  updatedAt: instant('When its settings last changed.'),
});

export const subscription = z.object({
  topic: field.topicName.describe('The topic.'),
  name: field.subscriptionName.describe('The name of the subscription.'),
  subject: text('The pattern of subjects that it gets; `null`: every message.').nullable(),
  filter: (
    z
      .record(z.string(), z.unknown())
      .describe('The conditions on messages that it gets; `null`: none.') as unknown as z.ZodType<Filter>
  ).nullable(),
  filterScope: filterScope.describe('Whether the filter looks at the attributes or at the body.'),
  queue: field.queueName.describe('The queue that it delivers into.'),
  ownsQueue: z.boolean().describe('Whether the queue is its own: the queue ends with it.'),
  expiresAfterSeconds: seconds('It ends after this number of seconds without a receive or an extend; `null`: never.'),
  createdAt: instant('When it was added.'),
  updatedAt: instant('When its terms last changed.'),
});

export const subscriptionWithCounts = subscription.extend({
  counts: counts.describe('Absent if the API key does not cover the queue.').exactOptional(),
});

export const matchFailure = z.object({
  path: text('The condition that failed: `subject`, or a path in the filter, such as `filter.customer.country`.'),
  condition: json('What the subscription asks for there.'),
  value: json('What the message has there. Absent: nothing.').exactOptional(),
});

export const matchResult = z.object({
  matches: z.boolean().describe('Whether the message would reach the subscription.'),
  failed: matchFailure.describe('The first condition that failed. Absent if it matches.').exactOptional(),
});
