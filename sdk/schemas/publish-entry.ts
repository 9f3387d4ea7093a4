/** One message of a publish, and what may be changed of it afterwards. */
import * as z from 'zod';
import { attributeStringCharsMax, attributesMax, bodyBytesMax } from '../limits.ts';
import { bodyFault, bytesFault } from './body.ts';
import * as field from './fields.ts';

const attributeSays = `must be a text of at most ${attributeStringCharsMax} characters or a finite number`;
const attributeValue = z.union([z.string().max(attributeStringCharsMax, attributeSays), z.number()], attributeSays);

const attributes = z
  .record(field.attributeName, attributeValue, 'must be an object of texts and numbers')
  .refine((value) => Object.keys(value).length <= attributesMax, { error: `must be at most ${attributesMax} attributes` })
  .meta({ maxProperties: attributesMax });

export const content = {
  body: z
    .unknown()
    .superRefine((value, context) => fault(context, value === undefined ? undefined : bodyFault(value)))
    .meta({ description: `Any JSON value of at most ${bodyBytesMax} bytes as UTF-8 text. Either this or \`bodyBase64\`.` })
    .optional(),
  bodyBase64: z
    .string('must be a base64 text')
    .superRefine((value, context) => fault(context, bytesFault(value)))
    .meta({ description: `Bytes, at most ${bodyBytesMax}. Either this or \`body\`.`, contentEncoding: 'base64' })
    .optional(),
  attributes: attributes.optional(),
};

const timing = {
  delaySeconds: field.delaySeconds.optional(),
  deliverAt: field.deliverAt.meta({ description: 'When it can first be received, in place of `delaySeconds`.' }).optional(),
};
export const priority = field.priorityLevel
  .meta({ description: 'At most one less than the levels of the queue. Default 0.' })
  .optional();

export const isObject = { error: (issue: { code: string }) => (issue.code === 'invalid_type' ? 'must be an object' : undefined) };
export const hasOneBody = ({ body, bodyBase64 }: { body?: unknown; bodyBase64?: unknown }) =>
  (body === undefined) !== (bodyBase64 === undefined);
export const oneBody = { error: 'must have exactly one of body and bodyBase64' };
const hasOneDelay = ({ delaySeconds, deliverAt }: { delaySeconds?: unknown; deliverAt?: unknown }) =>
  delaySeconds === undefined || deliverAt === undefined;
const oneDelay = { error: 'must have at most one of delaySeconds and deliverAt' };

/** A group keeps the order of publishing. */
const inGroup = ['id', 'dedupKey', 'prepared', 'delaySeconds', 'deliverAt', 'priority'] as const;

export const publishEntry = z
  .strictObject(
    {
      ...content,
      id: field.messageId
        .meta({
          description: 'Your own id: while a message of this id exists or is kept, publishing it again publishes nothing.',
        })
        .optional(),
      ...timing,
      priority,
      group: field.group
        .meta({ description: 'Messages of one group come in the order of publishing, under one lease at a time.' })
        .optional(),
      prepared: field.flag.meta({ description: 'Received by nobody until it is committed. Default false.' }).optional(),
      dedupKey: field.dedupKey
        .meta({
          description: 'Of messages of one key one is accepted at a time, for as long as `deduplication` of the queue says.',
        })
        .optional(),
    },
    isObject,
  )
  .refine(hasOneBody, oneBody)
  .refine(hasOneDelay, oneDelay)
  .refine(({ id, dedupKey }) => id === undefined || dedupKey === undefined, { error: 'must have at most one of id and dedupKey' })
  .refine(({ dedupKey, prepared }) => dedupKey === undefined || !prepared, {
    error: 'must have at most one of dedupKey and prepared',
  })
  .refine((entry) => entry.group === undefined || inGroup.every((name) => entry[name] === undefined), {
    path: ['group'],
    error: `must come without ${inGroup.join(', ')}`,
    params: { given: false },
  });

/** What may be changed of a message that waits. */
export const messageChanges = z
  .strictObject({ ...content, ...timing, priority }, isObject)
  .refine((changes) => Object.values(changes).some((value) => value !== undefined), { error: 'must name something to change' })
  .refine(({ body, bodyBase64 }) => body === undefined || bodyBase64 === undefined, {
    error: 'must have at most one of body and bodyBase64',
  })
  .refine(hasOneDelay, oneDelay);

function fault(context: z.core.$RefinementCtx, message: string | undefined): void {
  // The body itself never becomes part of a message.
  if (message !== undefined) context.addIssue({ code: 'custom', message, input: undefined, params: { given: false } });
}
