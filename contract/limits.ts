/**
 * Every limit of the queue, in one place. A name ends with its unit and its bound. Error messages are built from these values,
 * docs/reference.md is generated from this file, and `test/unit/contract/limits.test.ts` asserts the relations between them.
 */

export * from './target-limits.ts';
export * from './wake-limits.ts';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const daySeconds = 24 * 60 * 60;

/** Messages in one publish, receipts in one ack, messages in one receive. */
export const batchEntriesMax = 100;
/** The size of a body, as UTF-8 JSON text or as decoded bytes. */
export const bodyBytesMax = mebibyte;
/** The nesting depth of arrays and objects in a body. */
export const bodyDepthMax = 200;
/**
 * The size of one call, in or out, as JSON text escaped once more. Lambda accepts and returns at most 6 MB per call, and API
 * Gateway passes the text on as a JSON string: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const callBytesMax = 5 * mebibyte;

export const attributesMax = 20;
/** Letters, digits, `_`, `-` and `.`. */
export const attributeNameCharsMax = 128;
export const attributeStringCharsMax = 1024;

/** Letters, digits, `_` and `-`. `.fifo` may end the name, and counts. */
export const queueNameCharsMax = 80;
/** Letters, digits, `_`, `-`, `.` and `:`. */
export const messageIdCharsMax = 128;
/** The text of `release({failed})`. Longer texts are cut, not refused, so that a failure can always be reported. */
export const failedCharsMax = 256;
export const receiptCharsMax = 512;

export const visibilityTimeoutSecondsMin = 0;
export const visibilityTimeoutSecondsMax = 365 * daySeconds;
export const visibilityTimeoutSecondsDefault = 30;
export const delaySecondsMin = 0;
/** Ten years. Also applies to `deliverAt`. */
export const delaySecondsMax = 3650 * daySeconds;
export const delaySecondsDefault = 0;
export const retentionSecondsMin = 60;
/** Ten years; `null` means forever. */
export const retentionSecondsMax = 3650 * daySeconds;
export const retentionSecondsDefault = 14 * daySeconds;
export const waitSecondsMin = 0;
/** API Gateway ends a request after 30 s: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
export const waitSecondsMax = 20;
/** The highest receive that a call can name. No message is received that often. */
export const receivesMax = 1_000_000_000;
export const maxReceivesMin = 1;
export const maxReceivesMax = 1000;
export const maxReceivesDefault = 5;
/** Priority levels of a queue. A receive looks at each level in turn, so unused levels cost reads. */
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
 * Messages of one queue under a lease at a time, if the queue has limits. One row records them all, and DynamoDB charges a
 * write for each KB of that row. Each receive that holds messages takes about 46 bytes, so 1,000 of them make a row of 46
 * units.
 */
export const queueConcurrencyMin = 1;
export const queueConcurrencyMax = 1000;
export const queueRatePerSecondMin = 0.001;
export const queueRatePerSecondMax = 10_000;
/** How many messages that wait in a group, behind its next ten, may be marked as cancelled. */
export const groupCancelledMax = 50;
/** Any characters. */
export const attemptIdCharsMax = 128;
/** How long a receive can be repeated under its attempt id. */
export const attemptMsMax = 5 * 60_000;
/** Letters, digits, `_`, `-`, `.` and `:`. */
export const dedupKeyCharsMax = 128;
/**
 * The id of any message. The queue generates it (only these contain `~`), or the caller chooses it. Or it is made from a key:
 * `@`, the key, `@` and at most 10 more characters.
 */
export const anyMessageIdCharsMax = dedupKeyCharsMax + 12;
export const deduplicationSecondsMin = 1;
export const deduplicationSecondsMax = 365 * daySeconds;
/** How long a queue may keep messages that are done or dead. */
export const keepSecondsMin = 0;
/** Ten years. */
export const keepSecondsMax = 3650 * daySeconds;
/** The result of a message, given when it is acked, as UTF-8 JSON text. */
export const resultBytesMax = 64 * kibibyte;
/** How many failures of one message a queue that keeps messages records with text and instant: the latest ones. */
export const errorsKeptMax = 5;
/** How many ended leases of one message a queue that keeps messages records: the latest ones. */
export const leasesKeptMax = 10;
/** Progress that the receiver of a message reports: from 0, nothing is done, to 1. */
export const progressMin = 0;
export const progressMax = 1;
/** How long a message may stay prepared before its publisher is asked, or the message is rolled back. */
export const preparedTimeoutSecondsMin = 1;
export const preparedTimeoutSecondsMax = 30 * daySeconds;
export const preparedTimeoutSecondsDefault = 300;
/** How often a publisher is asked whether to commit or roll back a message. After that the message is rolled back. */
export const checkBacksMax = 10;
/** How long a publisher may take to answer that question. */
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
/** Attributes by which one call filters messages. */
export const attributeFiltersMax = 5;
/** The text that a filter looks for in bodies. */
export const filterTextCharsMax = 256;
/** Entries on one page of a list (queues, keys, messages). */
export const pageEntriesMax = 100;
export const pageEntriesDefault = 50;
/** The length of the cursor that continues a list. */
export const cursorCharsMax = 4096;
/** How many rows `counts` reads of each table and shard. If there are more, its numbers are marked `atLeast`. */
export const countRowsMax = 1000;

/** The number of queue patterns that one API key may have. The limits of a pattern's and of the key's name follow. */
export const keyPatternsMax = 50;
/** The pattern of a queue's name: letters, digits, `_`, `-`, `.`, `~` and `*`. */
export const queuePatternCharsMax = 161;
export const keyNameCharsMax = 80;

// --- The caller's own transactions: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html ---

export const transactionEntriesMax = 100;
export const transactionBytesMax = 4 * mebibyte;

/** Letters, digits, `_` and `-`. */
export const scheduleNameCharsMax = 80;
export const cronCharsMax = 256;
export const timeZoneCharsMax = 64;
/**
 * The period of a schedule. The sweep publishes ticks ahead (`scheduleAheadMs`), and a change of the schedule must withdraw
 * them together, so there must be few.
 */
export const everySecondsMin = 10;
export const everySecondsMax = 365 * daySeconds;
/**
 * Ticks of one schedule that one run of the sweep publishes. Further ticks, missed under the policy `all`, follow in the next
 * run.
 */
export const scheduleTicksMax = 80;
/** Coming ticks in the description of one schedule. */
export const nextTicksMax = 5;

// --- Topics. The limits of filters are those of SNS: https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html ---

/** Letters, digits, `_` and `-`. */
export const topicNameCharsMax = 80;
/** Letters, digits, `_` and `-`. */
export const subscriptionNameCharsMax = 80;
/** Subscriptions of one topic. */
export const subscriptionsMax = 10_000;
/** Subscriptions, each of another topic, that deliver into one queue without owning it. Its settings record them. */
export const feedsMax = 100;
/** How long a subscription may be without a receive or an extend before it ends, if it ends at all. */
export const subscriptionExpirySecondsMin = 60;
export const subscriptionExpirySecondsMax = 365 * daySeconds;
export const subjectCharsMax = 256;
/** Parts of a subject between its dots. */
export const subjectTokensMax = 16;
/** Keys at the top of a filter. */
export const filterKeysMax = 5;
/**
 * The numbers of values of all lists of a filter, multiplied. In filters on the body, each list counts as often as its key is
 * nested; alternatives of `$or` are added.
 */
export const filterCombinationsMax = 150;
export const filterBytesMax = 256 * kibibyte;
/** The filters of all subscriptions of a topic together, as JSON text. Each process that publishes to the topic holds all of them. */
export const topicFilterBytesMax = 10 * mebibyte;
/** The largest number in a filter, positive or negative. */
export const filterNumberMax = 1_000_000_000;

// --- How a message is stored ---

/** Messages published together that share one row. */
export const parcelSlotsMax = 10;
/** DynamoDB charges a write for each started kibibyte of the whole row. */
export const rowBytesMax = kibibyte;
/**
 * A group's row with several parcels. Larger rows would cost more than rows of one message each where messages are received
 * together and acked one by one: each ack writes the whole row. Reading four kibibytes costs as much as reading one.
 */
export const groupRowBytesMax = 4 * kibibyte;
/** The size of one chunk of an offloaded body: a DynamoDB item holds at most 400 KB. */
export const bodyChunkBytesMax = 350 * kibibyte;
/** The results of one row's messages share this many bytes of the row in equal parts. A larger result is offloaded. */
export const resultsRowBytesMax = kibibyte;
/** Messages whose bodies exceed this together do not share a parcel, so that one row never fills a call. */
export const parcelBytesMax = 300 * kibibyte;
/** Rows that one receive, or the sweep, reads at the head of a shard, at most. */
export const headRowsMax = 100;
/** Rows that one peek reads, however few messages it finds. Ten rows that it leaves out by their keys count as one. */
export const peekRowsMax = 3 * headRowsMax;
/** Bytes of offloaded bodies, as they are in an answer, that one peek reads to filter by content. The last one may exceed it. */
export const peekFilterBytesMax = callBytesMax;
/** When many receivers share a shard, each reads up to this many rows, to choose rows that no other receiver claims. */
export const windowRowsMax = 8 * headRowsMax;
/** Shards of one queue. A queue starts with one, and grows when its writes are throttled. */
export const shardsMax = 256;
/** The minimum time between two growths, so that the first one has taken effect. */
export const shardsGrowPauseMs = 10_000;
/** When a queue is empty this long after its shards last changed, half of its shards are retired. */
export const shardsIdleMs = 10 * 60_000;
/** Half of a queue's shards are also retired when no more than this many messages wait. */
export const shardsLightWaitingMax = 1_000;
/** Each time a queue has to grow again, its shards are retired after twice the previous time, up to this maximum. */
export const shardsCalmMsMax = 24 * 60 * 60_000;

// --- Time fences: they make late requests, duplicate requests and suspended processes safe ---

/** The largest error of a process's clock, in either direction. Two clocks may differ by twice as much. */
export const clockMarginMs = 500;
/**
 * F: a write must be signed within this time after the read on which it is based. After that the process reads and decides
 * again.
 */
export const readToWriteMsMax = 5_000;
/** W: a write is not retried under the same id later than this after its first attempt. */
export const retryMsMax = 60_000;
/** How long a call keeps retrying after the store throttled it; less than a request to the HTTP API may take (`waitSecondsMax`). */
export const throttledMsMax = 15_000;
/**
 * How long a signed request may travel: https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html (5 min; three
 * times that here).
 */
export const signedRequestMsMax = 15 * 60_000;
export const sweepPeriodMs = 60_000;
/**
 * Each sweep visits a queue for this long after its last write, and as long as messages wait in it. After that the queue sleeps
 * until one of its rows is due.
 */
export const awakeMs = 10 * 60_000;
/** How far ahead the ticks of schedules are published, as delayed messages, so that a late or failed sweep misses none. */
export const scheduleAheadMs = 2 * sweepPeriodMs;
/** A tick published later than this counts as missed. The schedule's policy `missed` then applies. */
export const scheduleLateMsMax = sweepPeriodMs;
/** How long a publish to a topic that takes several transactions is left to its publisher, from each of them. Then a sweep goes on. */
export const publicationLeaseMs = 30_000;
/** How far a group's lane that was idle comes before lanes that were served meanwhile, at most; only with several lanes. */
export const idleLaneLeadMsMax = 5 * 60_000;
/** How long a row whose messages are all done stays as a tombstone. */
export const tombstoneMs = 60 * 60_000;
/** When a row ends with cleanup left (bodies kept forever, a row out of order), it becomes due once more after this time. */
export const endGraceMs = 20 * 60_000;
/** How long a process caches the settings of a queue. A change takes effect everywhere within this time. */
export const settingsCacheMs = 2_000;
/** How long a process caches an API key. A revoked key works no longer than this. */
export const keyCacheMs = 60_000;
/** How long a process caches that no key has an id. */
export const unknownKeyCacheMs = 5_000;
/** The time of a key's last use is recorded at most once in this time. */
export const keyUseNotedMs = 60 * 60_000;
/** How long an earlier signing secret of a queue keeps signing beside a new one. */
export const signingSecretOverlapMs = 24 * 60 * 60_000;
/** Secrets of one queue that sign at the same time. Further rotations within the overlap end the oldest. */
export const signingSecretsMax = 5;
/** API keys that one process caches, known and unknown ones each. */
export const keysCachedMax = 1000;
/** Offloaded bodies, and rows of queues without a dead-letter queue, get a TTL this long after their message's retention. */
export const retentionGraceMs = 30 * daySeconds * 1000;
/** Statistics of a queue: the time of one row, and how long it is kept. */
export const statsStepSeconds = 600;
export const statsKeptSeconds = 30 * daySeconds;
/** How long the audit keeps a call. */
export const auditKeptSeconds = 30 * daySeconds;
/** Entries that one call of `listAudit` examines; beyond them it answers a cursor, although its page is not full. */
export const auditExaminedMax = 2000;
/** The longest that a call waits until the audit has recorded it. */
export const auditWriteMsMax = 1_000;
/** The longest step of the points of statistics. */
export const statsStepSecondsMax = daySeconds;
