/** Schemas of topics and subscriptions. The engine checks subjects and filters, and what depends on the queue. */
import * as z from 'zod';
import {
  bodyDepthMax,
  filterKeysMax,
  preparedTimeoutSecondsMax,
  preparedTimeoutSecondsMin,
  subjectCharsMax,
  subscriptionExpirySecondsMax,
  subscriptionExpirySecondsMin,
} from '../limits.ts';
import { nestsDeeper } from '../nesting.ts';
import { subjectFault, subjectPatternFault } from '../subjects.ts';
import * as field from './fields.ts';
import { content, entryFields, hasOneBody, isObject, oneBody, withChecks, withoutNullBody } from './publish-entry.ts';
import { ownedQueueSettings } from './queue-settings.ts';

export const topicSettings = z.strictObject(
  {
    queueSettings: ownedQueueSettings
      .describe(
        'Settings of the queues that its subscriptions own, where a subscription gives none. Default: those of any queue.',
      )
      .optional(),
    preparedTimeoutSeconds: field
      .seconds(preparedTimeoutSecondsMin, preparedTimeoutSecondsMax)
      .nullable()
      .meta({
        description:
          'How long a prepared publish waits for its commit before it is rolled back, in seconds. Default `null`: publishes with `prepared` are refused.',
      })
      .optional(),
  },
  isObject,
);

/** The same fields: what a missing one means is described differently. */
export const topicChanges = z.strictObject(topicSettings.shape, isObject);

/** A text in which `faultOf` finds nothing wrong. */
function subjectText(faultOf: (text: string) => string | undefined) {
  return z
    .string({ error: 'must be a text' })
    .superRefine((text, context) => {
      const message = faultOf(text);
      if (message !== undefined) context.addIssue({ code: 'custom', message, input: text });
    })
    .meta({ minLength: 1, maxLength: subjectCharsMax });
}

const subjectPattern = subjectText(subjectPatternFault);
/** The subject of a message. */
export const subject = subjectText(subjectFault);

export const filterScope = field.oneOf(['attributes', 'body']);

const changes = {
  subject: subjectPattern
    .nullable()
    .meta({
      description:
        'A pattern of subjects: `*` stands for one token, `>` at the end for one or more. Default `null`: every message.',
    })
    .optional(),
  filter: z
    .unknown()
    .refine((given) => typeof given === 'object' && !Array.isArray(given), { error: 'must be an object', abort: true })
    .refine((given) => !nestsDeeper(given, bodyDepthMax), {
      error: `must nest at most ${bodyDepthMax} deep`,
      params: { given: false },
    })
    .meta({
      type: ['object', 'null'],
      description: 'Conditions on the message, in the language of SNS filter policies. Default `null`: no filter.',
      maxProperties: filterKeysMax,
    })
    .optional(),
  filterScope: filterScope
    .meta({ description: 'Whether the filter looks at the attributes or at the body. Default `attributes`.' })
    .optional(),
  expiresAfterSeconds: field
    .seconds(subscriptionExpirySecondsMin, subscriptionExpirySecondsMax)
    .nullable()
    .meta({
      description:
        'The subscription and its queue end after this many seconds without a receive or an extend. Only with a queue of its own. Default `null`: never.',
    })
    .optional(),
};

export const subscription = z
  .strictObject(
    {
      ...changes,
      queue: field.plainQueueName
        .describe('An existing queue to deliver into. Default: a queue of its own, named `topic~subscription`.')
        .optional(),
      settings: ownedQueueSettings.describe('Settings of its own queue. Default: those that the topic gives.').optional(),
    },
    isObject,
  )
  .refine(({ queue, settings }) => queue === undefined || settings === undefined, {
    path: ['settings'],
    error: 'must be given without queue: change the settings of that queue by PATCH',
  })
  .refine(({ queue, expiresAfterSeconds }) => queue === undefined || (expiresAfterSeconds ?? null) === null, {
    path: ['expiresAfterSeconds'],
    error: 'must be given without queue: only a subscription with a queue of its own ends by itself',
  });

export const subscriptionChanges = z.strictObject(changes, isObject);

/** A message that a subscription is tried on. */
export const testedMessage = z
  .strictObject(
    { ...content, subject: subject.meta({ description: 'The subject of the message. Default: none.' }).optional() },
    isObject,
  )
  .overwrite(withoutNullBody)
  .refine(hasOneBody, oneBody);

/** A message of a publish to a topic. */
export const topicEntry = withChecks(
  z.strictObject(
    {
      ...entryFields,
      subject: subject
        .meta({
          description:
            'Tokens separated by `.`, by which subscriptions choose. Default: none, which only subscriptions without a subject match.',
        })
        .optional(),
    },
    isObject,
  ),
);
