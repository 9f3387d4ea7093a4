/** The limits of targets, to which the messages of a queue are pushed. Import them from limits.ts, which has all limits. */

/** Targets of one queue. Each message goes to one of them. */
export const targetsMax = 10;
/** Letters, digits, `_` and `-`. */
export const targetNameCharsMax = 80;
/** Messages of one invocation of a function. */
export const targetBatchSizeMin = 1;
export const targetBatchSizeMax = 100;
export const targetBatchSizeDefault = 10;
export const batchingWindowSecondsMin = 0;
export const batchingWindowSecondsMax = 300;
/** Invocations or requests of one target at a time, over all processes. */
export const targetConcurrencyMin = 1;
export const targetConcurrencyMax = 1000;
export const targetConcurrencyDefault = 10;
/** How long a URL may take to answer a message that is pushed to it. */
export const targetTimeoutSecondsMin = 1;
export const targetTimeoutSecondsMax = 60;
export const targetTimeoutSecondsDefault = 10;
/** A batch for a function is cut at this size. Lambda takes 6 MB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const functionEventBytesMax = 6 * 1024 * 1024;
/** The size of all messages that one process delivers to a target at a time, as events: about what 256 MB of memory take. */
export const targetBytesMax = 32 * 1024 * 1024;
/** After this many failures in a row a target is broken, and gets one message now and then until one succeeds. */
export const targetFailuresMax = 5;
/** A broken target gets its first message after this time. Each further failure doubles the time. */
export const targetProbeMsFirst = 10_000;
export const targetProbeMsMax = 15 * 60_000;
/** The longest wait that the header `Retry-After` of a URL can ask for. */
export const retryAfterSecondsMax = 60 * 60;
/** A process that delivers to a target holds it for this long, and again before the time is over. If it dies, another continues then. */
export const targetHeldMs = 45_000;
/** The lease of a message while it is delivered: the queue's visibility timeout within these bounds, extended as long as it takes. */
export const pushLeaseSecondsMin = 10;
export const pushLeaseSecondsMax = 300;
