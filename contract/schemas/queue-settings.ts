/**
 * Settings of a queue as callers give them. The engine decides what a missing setting means: its default, or no change. Missing
 * fields of a setting that is an object get their defaults here, so that the engine always sees the whole object.
 */
import * as z from 'zod';
import * as limits from '../limits.ts';
import { isObject } from './publish-entry.ts';
import { settings } from './setting-fields.ts';

/** Makes fields of a setting that is an object or null optional, with these defaults. */
function partly<Shape extends z.core.$ZodLooseShape>(
  setting: z.ZodNullable<z.ZodObject<Shape>>,
  defaults: { readonly [Name in keyof Shape]?: z.output<Shape[Name]> },
) {
  const whole = setting.unwrap();
  const shape = Object.entries(defaults).map(([name, value]) => [name, (whole.shape[name] as z.ZodType).default(value)]);
  const { description = '' } = setting;
  return whole.safeExtend(Object.fromEntries(shape)).nullable().describe(description).optional();
}

export const queueSettings = {
  visibilityTimeoutSeconds: settings.visibilityTimeoutSeconds.optional(),
  delaySeconds: settings.delaySeconds.optional(),
  retentionSeconds: settings.retentionSeconds.optional(),
  deadLetter: partly(settings.deadLetter, { maxReceives: limits.maxReceivesDefault }),
  backoff: partly(settings.backoff, {
    minSeconds: limits.backoffMinSecondsDefault,
    maxSeconds: limits.backoffMaxSecondsDefault,
    factor: limits.backoffFactorDefault,
    jitter: limits.backoffJitterDefault,
  }),
  priority: partly(settings.priority, { order: 'strict' }),
  groups: partly(settings.groups, { concurrency: 1, onFailure: 'block', ratePerSecond: null, deadLetters: 'apart' }),
  limits: partly(settings.limits, { concurrency: null, ratePerSecond: null }),
  deduplication: partly(settings.deduplication, { windowSeconds: null, onDuplicate: 'ignore' }),
  prepared: partly(settings.prepared, { timeoutSeconds: limits.preparedTimeoutSecondsDefault, checkBack: null }),
  keep: partly(settings.keep, { doneSeconds: 0, deadSeconds: 0 }),
  idempotency: settings.idempotency.optional(),
  sqs: partly(settings.sqs, { extended: false }),
  paused: settings.paused.optional(),
};

/** Settings of a queue that a subscription owns, from the topic or from the subscription. */
export const ownedQueueSettings = z.strictObject(queueSettings, isObject);
