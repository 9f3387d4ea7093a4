/** Parts of docs/reference.md that are rules of the queue, each with the test that proves it. */

/** Proved by `test/engine/redrive-keeps.test.ts`. */
export const survival = `## What a message keeps in a dead-letter queue, and when it is redriven

| of the message | in the dead-letter queue | redriven |
| --- | --- | --- |
| body, attributes, \`publishedAt\`, the queue's or an own id | kept | kept |
| \`priority\` | kept and shown; it counts as far as the queue has levels | kept |
| \`dedupKey\` | the id stays \`@\`, the key, \`@\` and more; the key is free when its window is over | the same |
| \`group\` | left for good; shown in \`deadLetter.group\` | not restored: publish it again to have it in its group |
| \`lastFailure\`, \`errors\` | kept | cleared |
| \`receives\`, \`failures\` | counted from 0; those before are in \`deadLetter\` | counted from 0 |
| retention | counted from its death, by the dead-letter queue's setting | counted from the redrive, by that queue's setting |`;

/** Proved by `test/engine/own-id-again.test.ts` and `test/engine/own-id.test.ts`. */
export const ownIds = `## Own ids

A publish under an own id that a message of the queue has, or had, is accepted as a new message, or answered as a \`duplicate\` and publishes
nothing. The queue's setting \`idempotency\` decides; \`acked\` is the default.

| the message under the id | \`live\` | \`acked\` | \`ended\` |
| --- | --- | --- | --- |
| lives: waits, is leased, is prepared, or lies in a dead-letter queue | duplicate | duplicate | duplicate |
| was acked less than an hour ago, or is kept since | accepted | duplicate | duplicate |
| expired, and is kept | accepted | duplicate | duplicate |
| was cancelled or rolled back less than an hour ago, or is kept since | accepted | accepted | duplicate |
| was purged; or expired, and is not kept | accepted | accepted | accepted |
| ended longer ago | accepted | accepted | accepted |

A message that is accepted takes the place of what was kept of the one before; a consumer that still holds that one is told \`lease_lost\`. With
\`live\`, a publish whose answer was lost, and that is tried again after its message was acked, publishes a second message. Entries of a transaction of
your own (\`publishItems\`) follow the column \`ended\`, whatever the setting: they are refused as \`message_exists\`.`;

/** Proved by `test/engine/rates-of-groups.test.ts`, `test/engine/dedup.test.ts`, `test/engine/limits.test.ts` and `test/engine/age.test.ts`. */
export const changedSettings = `## When a changed setting counts

A new setting is in force everywhere within two seconds. For what is in the queue by then:

| setting | messages that are there already |
| --- | --- |
| \`groups.ratePerSecond\`, \`limits\` | the new rate or limit holds; leases that were given go on |
| \`deduplication.windowSeconds\` | a shorter window, or none, holds for keys that are taken by the former one; a longer one holds for publishes from then on |
| \`deadLetter\`, \`paused\`, \`priority.order\` | the new setting holds |
| \`visibilityTimeoutSeconds\`, \`backoff\` | a lease, and the wait after it, stay as they were given; the next ones follow the new setting |
| \`delaySeconds\`, \`retentionSeconds\` | were fixed at publish; \`updateMessage\` with \`delaySeconds: 0\` brings a message forward |
| \`keep\` | was fixed when the message ended |
| \`prepared.timeoutSeconds\` | was fixed at publish, or when the publisher was asked last |`;
