/** The default of each setting: what a queue has that is created without settings. */
import {
  backoffFactorDefault,
  backoffJitterDefault,
  backoffMaxSecondsDefault,
  backoffMinSecondsDefault,
  delaySecondsDefault,
  retentionSecondsDefault,
  visibilityTimeoutSecondsDefault,
} from './limits.ts';
import type { QueueSettings } from './queues.ts';

export const settingsDefaults: QueueSettings = {
  visibilityTimeoutSeconds: visibilityTimeoutSecondsDefault,
  delaySeconds: delaySecondsDefault,
  retentionSeconds: retentionSecondsDefault,
  deadLetter: null,
  backoff: {
    minSeconds: backoffMinSecondsDefault,
    maxSeconds: backoffMaxSecondsDefault,
    factor: backoffFactorDefault,
    jitter: backoffJitterDefault,
  },
  priority: null,
  groups: null,
  limits: null,
  deduplication: null,
  prepared: null,
  keep: null,
  idempotency: 'acked',
  sqs: null,
  paused: false,
};
