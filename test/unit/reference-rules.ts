/** The sections of docs/reference.md that state rules of the queue. The comment of each names the test that proves it. */

/** Proved by `test/engine/redrive-keeps.test.ts`. */
export const survival = `## What a message keeps in a dead-letter queue, and when it is redriven

| of the message | in the dead-letter queue | redriven |
| --- | --- | --- |
| body, attributes, \`publishedAt\`, the queue's or an own id | kept | kept |
| \`priority\` | kept and shown; it counts only up to the levels of that queue | kept |
| \`dedupKey\` | the id becomes \`@\`, the key, \`@\` and more; the key is free when its window is over. In a group, the id stays | the same |
| \`group\` | kept and shown; messages of a group come in the order of their deaths: each under a lease of its own, or as messages of the group where that queue has \`groups.deadLetters: ordered\` | the message is put at the end of its group in the target queue |
| \`lastFailure\`, \`errors\` | kept | cleared |
| \`receives\`, \`failures\` | counted from 0; the earlier counts are in \`deadLetter\` | counted from 0 |
| retention | counted from the time of death, by the setting of the dead-letter queue | counted from the redrive, by the setting of that queue |`;

/** Proved by `test/engine/own-id-again.test.ts`, `test/engine/own-id.test.ts` and `test/engine/group-ids.test.ts`. */
export const ownIds = `## Own ids

If a publish uses an own id that a message of the queue has or had, it either creates a new message ("accepted"), or is answered as a \`duplicate\` and publishes
nothing. The queue's setting \`idempotency\` decides. The default is \`acked\`.

| the message under the id | \`live\` | \`acked\` | \`ended\` |
| --- | --- | --- | --- |
| waits, is leased, is prepared, or is in a dead-letter queue | duplicate | duplicate | duplicate |
| was acked less than an hour ago, or is still kept | accepted | duplicate | duplicate |
| expired, and is kept | accepted | duplicate | duplicate |
| was cancelled or rolled back less than an hour ago, or is still kept | accepted | accepted | duplicate |
| was purged; or expired, and is not kept | accepted | accepted | accepted |
| ended longer ago | accepted | accepted | accepted |

In a group, up to ten messages that are received together share a row. There an id counts as that of a message that lives until all messages of
its row have ended, and the hour begins then. A cancel frees it at once.

An accepted message replaces what was kept of the earlier one. A consumer that still holds the earlier message gets \`lease_lost\`. With
\`live\`, a publish whose answer was lost and that is retried after its message was acked publishes a second message. Entries of a transaction of
your own (\`publishItems\`) follow the column \`ended\`, whatever the setting is. They are refused with \`message_exists\`.`;

/**
 * Proved by `test/engine/rates-of-groups.test.ts`, `test/engine/dedup.test.ts`, `test/engine/limits-concurrency.test.ts`,
 * `test/engine/limits-rate.test.ts` and `test/engine/age.test.ts`.
 */
export const changedSettings = `## When a changed setting counts

A new setting is in force everywhere within two seconds. Its effect on messages that are in the queue by then:

| setting | effect on existing messages |
| --- | --- |
| \`groups.ratePerSecond\`, \`limits\` | the new rate or limit applies; existing leases continue |
| \`deduplication.windowSeconds\` | a shorter window, or none, also applies to keys that are already taken; a longer one applies to later publishes |
| \`deadLetter\`, \`paused\`, \`priority.order\` | the new setting applies |
| \`visibilityTimeoutSeconds\`, \`backoff\` | an existing lease, and the wait after it, keep the old setting; later ones use the new setting |
| \`delaySeconds\`, \`retentionSeconds\` | fixed at publish; \`updateMessage\` with \`delaySeconds: 0\` brings a message forward |
| \`keep\` | fixed when the message ended |
| \`prepared.timeoutSeconds\` | fixed at publish, or when the publisher was last asked |`;
