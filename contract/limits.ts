/**
 * Every limit of the queue, in one place. A name ends with its unit and its bound; messages of errors are built from
 * these, and `test/unit/limits.test.ts` asserts how they relate.
 */

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const daySeconds = 24 * 60 * 60;

/** Messages in one publish, receipts in one ack, messages in one receive. */
export const batchEntriesMax = 100;
/** A body, as UTF-8 JSON text or as decoded bytes. */
export const bodyBytesMax = mebibyte;
/** Nesting of arrays and objects in a body. */
export const bodyDepthMax = 200;
/**
 * What one call carries, in or out, as JSON text escaped once more. Lambda takes and gives at most 6 MB a call, and
 * API Gateway hands it the text as a JSON string: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const callBytesMax = 5 * mebibyte;

export const attributesMax = 20;
/** Letters, digits, `_`, `-` and `.`. */
export const attributeNameCharsMax = 128;
export const attributeStringCharsMax = 1024;

/** Letters, digits, `_` and `-`. */
export const queueNameCharsMax = 80;
/** Letters, digits, `_`, `-`, `.` and `:`. */
export const messageIdCharsMax = 128;
/** The text of `release({failed})`. Longer texts are cut, not refused: a failure must never fail to be told. */
export const failedCharsMax = 256;
export const receiptCharsMax = 512;

export const visibilityTimeoutSecondsMin = 0;
export const visibilityTimeoutSecondsMax = 365 * daySeconds;
export const visibilityTimeoutSecondsDefault = 30;
export const delaySecondsMin = 0;
/** Ten years, for `deliverAt` too. */
export const delaySecondsMax = 3650 * daySeconds;
export const delaySecondsDefault = 0;
export const retentionSecondsMin = 60;
/** Ten years; `null` means forever. */
export const retentionSecondsMax = 3650 * daySeconds;
export const retentionSecondsDefault = 14 * daySeconds;
export const waitSecondsMin = 0;
/** API Gateway ends a request after 30 s: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
export const waitSecondsMax = 20;
export const maxReceivesMin = 1;
export const maxReceivesMax = 1000;
export const maxReceivesDefault = 5;
/** A queue's levels of priority. Receives look at each of them in turn: what none uses costs reads. */
export const priorityLevelsMin = 1;
export const priorityLevelsMax = 10;
/** Any characters. */
export const groupCharsMax = 128;
/** Leases that a group may have at a time. */
export const groupConcurrencyMin = 1;
export const groupConcurrencyMax = 32;
export const groupRatePerSecondMin = 0.001;
export const groupRatePerSecondMax = 1000;
/**
 * Messages of one queue under a lease at a time, where it has limits. All are told of in one row, of which DynamoDB charges each KB: some
 * 46 bytes for each receive that holds any, so a thousand make a row of 46 units.
 */
export const queueConcurrencyMin = 1;
export const queueConcurrencyMax = 1000;
export const queueRatePerSecondMin = 0.001;
export const queueRatePerSecondMax = 10_000;
/** Messages that wait in a group, further back than its next ten, of which so many may be cancelled. */
export const groupCancelledMax = 50;
/** Letters, digits, `_`, `-`, `.` and `:`. */
export const dedupKeyCharsMax = 128;
/** Of any message: the queue's own ids (the only ones with a `~`), a caller's, and those made of a key: `@`, the key, `@` and 10 characters more at the most. */
export const anyMessageIdCharsMax = dedupKeyCharsMax + 12;
export const deduplicationSecondsMin = 1;
export const deduplicationSecondsMax = 365 * daySeconds;
/** How long a queue may keep messages that are done, or given up. */
export const keepSecondsMin = 0;
/** Ten years. */
export const keepSecondsMax = 3650 * daySeconds;
/** The result of a message, given when it is acked, as UTF-8 JSON text. */
export const resultBytesMax = 64 * kibibyte;
/** Failures of one message of which a queue that keeps messages remembers the text and the instant: the last ones. */
export const errorsKeptMax = 5;
/** Progress told by who holds a message: 0, nothing is done yet, to 1. */
export const progressMin = 0;
export const progressMax = 1;
/** How long a message may be prepared before its publisher is asked, or it is rolled back. */
export const preparedTimeoutSecondsMin = 1;
export const preparedTimeoutSecondsMax = 30 * daySeconds;
export const preparedTimeoutSecondsDefault = 300;
/** How often a publisher is asked what he meant; then the message is rolled back. */
export const checkBacksMax = 10;
/** How long he may take to answer. */
export const checkBackMsMax = 5_000;
export const checkBackAnswerBytesMax = kibibyte;
export const urlCharsMax = 2048;
export const functionNameCharsMax = 170;
export const backoffSecondsMin = 0;
export const backoffSecondsMax = 365 * daySeconds;
export const backoffFactorMin = 1;
export const backoffFactorMax = 100;
/** The share of a backoff that is random: 0 is none of it, 1 is all of it. */
export const backoffJitterMin = 0;
export const backoffJitterMax = 1;
export const backoffMinSecondsDefault = 1;
export const backoffMaxSecondsDefault = 15 * 60;
export const backoffFactorDefault = 2;
export const backoffJitterDefault = 0.5;

export const redriveIdsMax = 100;
export const redriveRatePerSecondMin = 1;
export const redriveRatePerSecondMax = 10_000;
/** Entries on one page of a list (queues, keys, messages). */
export const pageEntriesMax = 100;
export const pageEntriesDefault = 50;
/** What tells a list where to go on. */
export const cursorCharsMax = 4096;
/** Rows that `counts` reads of each table and shard; beyond, its numbers are said to be `atLeast`. */
export const countRowsMax = 1000;

/** Keys: how many queue patterns one key may have, and the length of each and of its name. */
export const keyPatternsMax = 50;
export const keyNameCharsMax = 80;

// --- Transactions of the caller's own: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html ---

export const transactionEntriesMax = 100;
export const transactionBytesMax = 4 * mebibyte;

/** Letters, digits, `_` and `-`. */
export const scheduleNameCharsMax = 80;
export const cronCharsMax = 256;
export const timeZoneCharsMax = 64;
/**
 * Ticks of a rate. The sweep publishes them ahead (`scheduleAheadMs`), and what lies ahead has to be taken back together when the schedule
 * changes: so there are few of them.
 */
export const everySecondsMin = 10;
export const everySecondsMax = 365 * daySeconds;
/** Ticks of one schedule that one run of the sweep publishes; more, missed under the policy `all`, follow in the next. */
export const scheduleTicksMax = 80;

// --- How a message is stored ---

/** Messages published together that share one row. */
export const parcelSlotsMax = 10;
/** DynamoDB charges a write for each started kibibyte of the whole row. */
export const rowBytesMax = kibibyte;
/** A DynamoDB item holds at most 400 KB; bodies beside their row are cut into pieces of this. */
export const bodyChunkBytesMax = 350 * kibibyte;
/** The results of one row's messages share this much of it, each an equal part; what is larger lies beside the row. */
export const resultsRowBytesMax = kibibyte;
/** Bodies of more than this together do not share a parcel, so that one row never fills a call. */
export const parcelBytesMax = 300 * kibibyte;
/** Rows that one receive, or the sweep, reads at the head of a shard at most. */
export const headRowsMax = 100;
/** Where many receivers share a shard, each reads up to so many, to choose rows that no other takes. */
export const windowRowsMax = 8 * headRowsMax;
/** Shards of one queue; it begins with one, and grows when its writes are throttled. */
export const shardsMax = 256;
/** A queue does not grow again before the last growth can have told. */
export const shardsGrowPauseMs = 10_000;
/** A queue found idle this long after its shards last changed has half of them retired. */
export const shardsIdleMs = 10 * 60_000;
/** A queue in which no more messages wait has half of its shards retired too. */
export const shardsLightWaitingMax = 1_000;
/** A queue that had to grow again is left alone for twice as long each time, and for so long at the most. */
export const shardsCalmMsMax = 24 * 60 * 60_000;

// --- Time fences: what makes it safe that requests are late, sent twice, or made by a process that slept ---

/** How far the clocks of two callers may be apart, halved: each is within this of the true time. */
export const clockMarginMs = 500;
/** F: a write goes out, signed, within this of the read that it rests on; later, it is decided again. */
export const readToWriteMsMax = 5_000;
/** W: a write is not retried under the same id later than this after its first attempt. */
export const retryMsMax = 60_000;
/** How long a call goes on after the store was too busy for it; less than a request to the HTTP API may take (`waitSecondsMax`). */
export const throttledMsMax = 15_000;
/** How long a signed request may travel: https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html (5 min; thrice that here). */
export const signedRequestMsMax = 15 * 60_000;
export const sweepPeriodMs = 60_000;
/**
 * A queue is visited by each sweep for so long after it was written to, and as long as something waits in it; then it sleeps until one of
 * its rows is due.
 */
export const awakeMs = 10 * 60_000;
/** How far ahead the ticks of schedules are published, as delayed messages: a sweep that fails or is late misses none. */
export const scheduleAheadMs = 2 * sweepPeriodMs;
/** A tick published later than this counts as missed: the schedule's policy says what becomes of it. */
export const scheduleLateMsMax = sweepPeriodMs;
/** How long a row whose messages are all done stays as a tombstone. */
export const tombstoneMs = 60 * 60_000;
/** A row that ends with work left (bodies kept forever, a row out of order) comes due once more after this. */
export const endGraceMs = 20 * 60_000;
/** Settings of a queue are read again after this: changes of a queue take effect everywhere within it. */
export const settingsCacheMs = 2_000;
/** Keys are read again after this: a revoked key works no longer than this. */
export const keyCacheMs = 60_000;
/** An id that no key has is not looked up again within this. */
export const unknownKeyCacheMs = 5_000;
/** That a key was used is noted once in so long. */
export const keyUseNotedMs = 60 * 60_000;
/** How long an earlier signing secret of a queue signs beside a new one. */
export const signingSecretOverlapMs = 24 * 60 * 60_000;
/** Secrets of one queue that sign at the same time; more rotations within the overlap end the oldest. */
export const signingSecretsMax = 5;
/** Keys that one process keeps in mind, known and unknown ones each. */
export const keysCachedMax = 1000;
/** Bodies beside a row, and rows of queues without dead-letter, are left to TTL this long after their message's retention. */
export const retentionGraceMs = 30 * daySeconds * 1000;
