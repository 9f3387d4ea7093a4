/** The schema of a target. Whether a URL may be called is for the service to say: it depends on where the queue runs. */
import * as z from 'zod';
import * as limits from '../limits.ts';
import * as field from './fields.ts';
import { isObject } from './publish-entry.ts';
import { functionName } from './setting-fields.ts';

const urlError = `must be a URL of https or http, without user, password and fragment, of at most ${limits.urlCharsMax} characters`;
const url = z.string({ error: urlError }).max(limits.urlCharsMax, urlError).refine(isTargetUrl, { error: urlError });

/** No password, because anyone who may read targets sees it. The URL parser replaces an unpaired surrogate; a row would keep it. */
function isTargetUrl(text: string): boolean {
  if (!text.isWellFormed() || !URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return ['https:', 'http:'].includes(protocol) && username === '' && password === '' && hash === '';
}

export const targetFormat = field.oneOf(['json', 'cloudevents']);

const shape = {
  functionName: functionName
    .describe('The name or ARN of a Lambda function, which gets events of the shape of SQS. Give either this or `url`.')
    .optional(),
  url: url
    .describe(
      'A URL of https, or of http where the server allows it. It gets one message a POST, signed as Standard Webhooks specifies. Give either this or `functionName`.',
    )
    .optional(),
  batchSize: field
    .whole(limits.targetBatchSizeMin, limits.targetBatchSizeMax)
    .describe(`Messages of one invocation at most. Only with \`functionName\`. Default ${limits.targetBatchSizeDefault}.`)
    .optional(),
  maxBatchingWindowSeconds: field
    .seconds(limits.batchingWindowSecondsMin, limits.batchingWindowSecondsMax)
    .describe('How long to wait for a batch to fill, in seconds. Only with `functionName`. Default 0.')
    .optional(),
  maxConcurrency: field
    .whole(limits.targetConcurrencyMin, limits.targetConcurrencyMax)
    .describe(`Invocations or requests at a time, over all processes. Default ${limits.targetConcurrencyDefault}.`)
    .optional(),
  reportBatchItemFailures: field.flag
    .describe(
      'Whether the function names the messages that failed, in `batchItemFailures`. Only with `functionName`. Default false: a batch succeeds or fails as a whole.',
    )
    .optional(),
  format: targetFormat
    .describe(
      '`json`: the message as one JSON object. `cloudevents`: CloudEvents 1.0 in binary mode. Only with `url`. Default `json`.',
    )
    .optional(),
  timeoutSeconds: field
    .seconds(limits.targetTimeoutSecondsMin, limits.targetTimeoutSecondsMax)
    .describe(
      `How long the URL may take to answer, in seconds. Only with \`url\`. Default ${limits.targetTimeoutSecondsDefault}.`,
    )
    .optional(),
  paused: field.flag.describe('Whether the target is paused: it gets no messages. Default false.').optional(),
};

const ofFunctions = ['batchSize', 'maxBatchingWindowSeconds', 'reportBatchItemFailures'] as const;
const ofUrls = ['format', 'timeoutSeconds'] as const;

export const target = z
  .strictObject(shape, isObject)
  .refine((given) => (given.functionName === undefined) !== (given.url === undefined), {
    error: 'must have exactly one of functionName and url',
  })
  .superRefine((given, context) => {
    const [others, needed] = given.url === undefined ? [ofUrls, 'url'] : [ofFunctions, 'functionName'];
    for (const name of others) {
      if (given[name as keyof typeof given] === undefined) continue;
      context.addIssue({ code: 'custom', path: [name], message: `is allowed only with ${needed}`, input: given });
    }
  });
