/** One message of a publish. */
import * as z from 'zod';
import { attributeStringCharsMax, attributesMax, bodyBytesMax } from '../limits.ts';
import { bodyFault, bytesFault } from './body.ts';
import * as field from './fields.ts';

/** Ids that the server gives: a parcel's, and a slot's in it. A caller's own must not look like one. */
const serverId = /^[0-9a-z]{24}(\.[0-9])?$/;

const attributeSays = `must be a text of at most ${attributeStringCharsMax} characters or a finite number`;
const attributeValue = z.union([z.string().max(attributeStringCharsMax, attributeSays), z.number()], attributeSays);

const attributes = z
  .record(field.attributeName, attributeValue, 'must be an object of texts and numbers')
  .refine((value) => Object.keys(value).length <= attributesMax, { error: `must be at most ${attributesMax} attributes` })
  .meta({ maxProperties: attributesMax });

export const publishEntry = z
  .strictObject(
    {
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
      id: field.messageId
        .refine((id) => !serverId.test(id), { error: "must not have the form of the server's own ids" })
        .meta({ description: 'Your own id: while a message of this id exists, publishing it again publishes nothing.' })
        .optional(),
      delaySeconds: field.delaySeconds.optional(),
      attributes: attributes.optional(),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be an object' : undefined) },
  )
  .refine((entry) => (entry.body === undefined) !== (entry.bodyBase64 === undefined), {
    error: 'must have exactly one of body and bodyBase64',
  });

function fault(context: z.core.$RefinementCtx, message: string | undefined): void {
  // The body itself never becomes part of a message.
  if (message !== undefined) context.addIssue({ code: 'custom', message, input: undefined, params: { given: false } });
}
