/** Schemas of one message of a publish, and of the changes that may be made to a waiting message. */
import * as z from 'zod';
import { isJsonText, membersOf } from '../json-text.ts';
import { attributeStringCharsMax, attributesMax, bodyBytesMax } from '../limits.ts';
import { bodyFault, bytesFault } from './body.ts';
import * as field from './fields.ts';

const attributeError = `must be a text of at most ${attributeStringCharsMax} characters or a finite number`;
export const attributeValue = z.union([z.string().max(attributeStringCharsMax, attributeError), z.number()], attributeError);

const attributes = z
  .preprocess(
    attributeValues,
    z
      .record(field.attributeName, attributeValue, 'must be an object of texts and numbers')
      .refine((value) => Object.keys(value).length <= attributesMax, { error: `must be at most ${attributesMax} attributes` })
      .meta({ maxProperties: attributesMax }),
  )
  .meta({
    description: `Your own texts and numbers, at most ${attributesMax}, which travel with the body. Default: none.`,
    nullMeansAbsent: true,
  });

/** The values of attributes that came as text. `parseInput` and `parsePublishEntry` restore the text afterwards. */
function attributeValues(given: unknown, context: z.core.$RefinementCtx): unknown {
  if (!isJsonText(given)) return withoutProto(given, context);
  const values: unknown = JSON.parse(given.text);
  // Most texts are exactly what `JSON.stringify` writes, and then the values show everything that must be checked.
  const members = JSON.stringify(values) === given.text ? [] : (membersOf(given.text) ?? []);
  const seen = new Set<string>();
  for (const [name, { text }] of members) {
    const refuse = (message: string) =>
      context.addIssue({ code: 'custom', path: [name], message, input: undefined, params: { given: false } });
    if (seen.has(name)) refuse('is given twice');
    if (!text.startsWith('"') && text.length > attributeStringCharsMax) refuse(attributeError);
    seen.add(name);
  }
  return withoutProto(values, context);
}

/** Refuses `__proto__`, because zod silently drops it from records. */
function withoutProto(given: unknown, context: z.core.$RefinementCtx): unknown {
  if (typeof given === 'object' && given !== null && Object.hasOwn(given, '__proto__')) {
    const message = 'is not allowed as a name';
    context.addIssue({ code: 'custom', path: ['__proto__'], message, input: undefined, params: { given: false } });
  }
  return given;
}

/** The body of a message: a JSON value, or bytes. */
export const body = {
  body: z
    .unknown()
    .superRefine((value, context) => fault(context, value === undefined ? undefined : bodyFault(value)))
    .meta({ description: `Any JSON value of at most ${bodyBytesMax} bytes as UTF-8 text. Give either this or \`bodyBase64\`.` })
    .optional(),
  bodyBase64: z
    .string('must be a base64 text')
    .superRefine((value, context) => fault(context, bytesFault(value)))
    .meta({
      description: `Bytes in base64, at most ${bodyBytesMax} when decoded. Give either this or \`body\`.`,
      contentEncoding: 'base64',
    })
    .optional(),
};
export const content = { ...body, attributes: attributes.optional() };

const deliverAt = field.deliverAt.describe(
  'When the message can first be received, in place of `delaySeconds`. A past instant means now.',
);
const timing = {
  delaySeconds: field.delaySeconds
    .describe("How long the message is hidden before it can be received, in seconds. Default: the queue's `delaySeconds`.")
    .optional(),
  deliverAt: deliverAt.optional(),
};
export const priority = field.priorityLevel
  .describe("From 0, the least urgent, to one less than the queue's levels. Default 0.")
  .optional();

export const isObject = { error: (issue: { code: string }) => (issue.code === 'invalid_type' ? 'must be an object' : undefined) };
interface Bodies {
  body?: unknown;
  bodyBase64?: unknown;
}
export const hasOneBody = ({ body, bodyBase64 }: Bodies) => (body === undefined) !== (bodyBase64 === undefined);
/** Drops a null body beside bytes: some clients write null for every unset field. */
export function withoutNullBody<Given extends Bodies>(given: Given): Given {
  if (given.body !== null || given.bodyBase64 === undefined) return given;
  const { body: _, ...rest } = given;
  return rest as Given;
}
export const oneBody = { error: 'must have exactly one of body and bodyBase64' };
const hasOneDelay = ({ delaySeconds, deliverAt }: { delaySeconds?: unknown; deliverAt?: unknown }) =>
  delaySeconds === undefined || deliverAt === undefined;
const oneDelay = { error: 'must have at most one of delaySeconds and deliverAt' };

/** Fields that a message of a group must not have, because a group keeps the order of publishing. */
const inGroup = ['id', 'dedupKey', 'prepared', 'delaySeconds', 'deliverAt', 'priority'] as const;

export const publishEntry = z
  .strictObject(
    {
      ...content,
      id: field.messageId
        .meta({
          description:
            'Your own id. Publishing an id again publishes nothing while a message with that id lives, and for an hour after its ack. A cancel ' +
            'frees the id. The setting `idempotency` can change this. Default: the queue generates an id.',
        })
        .optional(),
      ...timing,
      priority,
      group: field.group
        .meta({
          description:
            'Messages of one group are received in the order of publishing, under one lease at a time. Default: no group.',
        })
        .optional(),
      prepared: field.flag
        .meta({ description: 'Whether the message stays hidden until it is committed. Default false.' })
        .optional(),
      dedupKey: field.dedupKey
        .meta({
          description:
            "Among messages with the same key, one is accepted at a time, for as long as the queue's `deduplication` says. Default: no key.",
        })
        .optional(),
    },
    isObject,
  )
  .overwrite(withoutNullBody)
  .refine(hasOneBody, oneBody)
  .refine(hasOneDelay, oneDelay)
  .refine(({ id, dedupKey }) => id === undefined || dedupKey === undefined, { error: 'must have at most one of id and dedupKey' })
  .refine(({ dedupKey, prepared }) => dedupKey === undefined || !prepared, {
    error: 'must have at most one of dedupKey and prepared',
  })
  .refine((entry) => entry.group === undefined || inGroup.every((name) => entry[name] === undefined), {
    path: ['group'],
    error: `must be given without ${inGroup.join(', ')}`,
    params: { given: false },
  });

/**
 * A new body. It is a field of its own, so that leaving it out, or sending null for an unset field, never changes a body to
 * null.
 */
export const newContent = z.strictObject(body, isObject).overwrite(withoutNullBody).refine(hasOneBody, oneBody);

/** What may be changed in a message that waits. */
export const messageChanges = z
  .strictObject(
    {
      content: newContent.describe('A new body, which replaces the old one. Default: the body stays.').optional(),
      attributes: attributes
        .describe(`New attributes, at most ${attributesMax}, which replace all the old ones. Default: they stay.`)
        .optional(),
      delaySeconds: field.delaySeconds
        .describe('How long the message is hidden from now, in seconds. Default: unchanged.')
        .optional(),
      deliverAt: deliverAt.optional(),
      priority: field.priorityLevel
        .describe("From 0, the least urgent, to one less than the queue's levels. Default: unchanged.")
        .optional(),
    },
    isObject,
  )
  .refine((changes) => Object.values(changes).some((value) => value !== undefined), { error: 'must name something to change' })
  .refine(hasOneDelay, oneDelay);

function fault(context: z.core.$RefinementCtx, message: string | undefined): void {
  // The body must never become part of an error message.
  if (message !== undefined) context.addIssue({ code: 'custom', message, input: undefined, params: { given: false } });
}
