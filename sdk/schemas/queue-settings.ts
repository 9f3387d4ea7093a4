/**
 * Settings of a queue as callers give them. Those left out have a default, or stay as they are: that is for the engine. Of a setting that is an
 * object, fields left out have their defaults here, so that the engine sees it whole.
 */
import type * as z from 'zod';
import * as limits from '../limits.ts';
import * as field from './fields.ts';

/** The schema of a setting that is an object or null, with these defaults. */
function partly<Shape extends z.core.$ZodLooseShape>(
  setting: z.ZodNullable<z.ZodObject<Shape>>,
  defaults: { readonly [Name in keyof Shape]?: z.output<Shape[Name]> },
) {
  const whole = setting.unwrap();
  const shape = Object.entries(defaults).map(([name, value]) => [name, (whole.shape[name] as z.ZodType).default(value)]);
  return whole.safeExtend(Object.fromEntries(shape)).nullable().optional();
}

export const queueSettings = {
  visibilityTimeoutSeconds: field.visibilityTimeoutSeconds.optional(),
  delaySeconds: field.delaySeconds.optional(),
  retentionSeconds: field.retentionSeconds.optional(),
  deadLetter: partly(field.deadLetter, { maxReceives: limits.maxReceivesDefault }),
  backoff: partly(field.backoff, {
    minSeconds: limits.backoffMinSecondsDefault,
    maxSeconds: limits.backoffMaxSecondsDefault,
    factor: limits.backoffFactorDefault,
    jitter: limits.backoffJitterDefault,
  }),
  priority: partly(field.priority, { order: 'strict' }),
  groups: partly(field.groups, { concurrency: 1, onFailure: 'block', ratePerSecond: null }),
  limits: partly(field.queueLimits, { concurrency: null, ratePerSecond: null }),
  deduplication: partly(field.deduplication, { windowSeconds: null, onDuplicate: 'ignore' }),
  prepared: partly(field.prepared, { timeoutSeconds: limits.preparedTimeoutSecondsDefault, checkBack: null }),
  keep: partly(field.keep, { doneSeconds: 0, deadSeconds: 0 }),
  paused: field.flag.optional(),
};
