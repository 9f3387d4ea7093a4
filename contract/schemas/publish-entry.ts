/** Schemas of one message of a publish, with the checks of its body, and of the changes that may be made to a waiting message. */
import * as z from 'zod';
import { depthOf, isJsonText, membersOf } from '../json-text.ts';
import { attributeStringCharsMax, attributesMax, bodyBytesMax, bodyDepthMax } from '../limits.ts';
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
const inGroup = ['prepared', 'priority'] as const;

/** The fields of a message of a publish. */
export const entryFields = {
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
        'Messages of one group are received in the order of publishing, under one lease at a time. A delayed one keeps its place, and those ' +
        'behind it wait. Not with `prepared` or `priority`. Default: no group.',
    })
    .optional(),
  prepared: field.flag.meta({ description: 'Whether the message stays hidden until it is committed. Default false.' }).optional(),
  dedupKey: field.dedupKey
    .meta({
      description:
        "Among messages with the same key, one is accepted at a time, for as long as the queue's `deduplication` says. In a group, that is " +
        '`deduplication.windowSeconds`, which must be set. Default: no key.',
    })
    .optional(),
};

/** The checks that concern several fields of a message. `entry`: an object with the fields of a message. */
export function withChecks<Entry extends z.ZodObject<typeof entryFields>>(entry: Entry): Entry {
  return entry
    .overwrite(withoutNullBody)
    .refine(hasOneBody, oneBody)
    .refine(hasOneDelay, oneDelay)
    .refine(({ id, dedupKey }) => id === undefined || dedupKey === undefined, {
      error: 'must have at most one of id and dedupKey',
    })
    .refine(({ dedupKey, prepared }) => dedupKey === undefined || !prepared, {
      error: 'must have at most one of dedupKey and prepared',
    })
    .refine((given) => given.group === undefined || inGroup.every((name) => given[name] === undefined), {
      path: ['group'],
      error: `must be given without ${inGroup.join(', ')}`,
      params: { given: false },
    });
}

export const publishEntry = withChecks(z.strictObject(entryFields, isObject));

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

export function fault(context: z.core.$RefinementCtx, message: string | undefined): void {
  // A body must never become part of an error message.
  if (message !== undefined) context.addIssue({ code: 'custom', message, input: undefined, params: { given: false } });
}

const tooLarge = (given: string, bytesMax: number) => `must be at most ${bytesMax} bytes, was ${given}`;

/** What is wrong with a JSON value; `undefined` if it is valid. */
export function bodyFault(body: unknown, bytesMax = bodyBytesMax): string | undefined {
  if (isJsonText(body)) return textFault(body.text, bytesMax);
  const shape = shapeFault(body, bytesMax);
  if (shape !== undefined) return shape;
  let text: string | undefined;
  try {
    text = JSON.stringify(body);
  } catch {
    // In process, a value may have a `toJSON` that throws.
    return notJson;
  }
  if (text === undefined) return notJson;
  return sizeFault(text, bytesMax);
}

const notJson = 'must be a JSON value';
const tooDeep = `must not be nested deeper than ${bodyDepthMax}`;

function textFault(text: string, bytesMax: number): string | undefined {
  const size = sizeFault(text, bytesMax);
  if (size !== undefined) return size;
  if (!text.isWellFormed()) return 'must not contain an unpaired surrogate, except as an escape';
  return text.length > 2 * bodyDepthMax && depthOf(text) > bodyDepthMax ? tooDeep : undefined;
}

function sizeFault(text: string, bytesMax: number): string | undefined {
  // A UTF-16 unit takes at most three bytes of UTF-8, so most bodies can be accepted without encoding them.
  if (text.length * 3 <= bytesMax) return undefined;
  const bytes = new TextEncoder().encode(text).length;
  return bytes > bytesMax ? tooLarge(`${bytes} bytes as JSON text`, bytesMax) : undefined;
}

/**
 * Looks for values that nest too deep (a cycle nests endlessly) and for values that JSON lacks. Each value takes at least one
 * byte of text, so it stops after as many values as a body may have bytes.
 */
function shapeFault(body: unknown, bytesMax: number): string | undefined {
  let values = 0;
  const look = (value: unknown, depth: number): string | undefined => {
    values += 1;
    if (values > bytesMax) return tooLarge('more', bytesMax);
    if (typeof value === 'number') return Number.isFinite(value) ? undefined : notJson;
    if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') return notJson;
    if (typeof value !== 'object' || value === null) return undefined;
    if (depth >= bodyDepthMax) return tooDeep;
    for (const inner of Array.isArray(value) ? value : Object.values(value)) {
      const found = look(inner, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return look(body, 0);
}

/** What is wrong with bytes as base64 (RFC 4648, section 4: padded, canonical); `undefined` if they are valid. */
function bytesFault(base64: string): string | undefined {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  const bytes = (base64.length / 4) * 3 - padding;
  if (bytes > bodyBytesMax) return tooLarge(`${Math.floor(bytes)} bytes`, bodyBytesMax);
  const digits = base64.length - padding;
  const spareBits = padding === 2 ? /[AQgw]$/ : padding === 1 ? /[AEIMQUYcgkosw048]$/ : /$/;
  const strict = base64.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(base64.slice(0, digits));
  return strict && spareBits.test(base64.slice(0, digits)) ? undefined : 'must be base64 text, padded, of A-Z a-z 0-9 + /';
}
