/** The promises by their names. What each says, and where it is proved, is in docs/guarantees.md. */
export const promises = [
  'accepted-is-never-lost',
  'acked-never-comes-back',
  'one-live-lease',
  'live-lease-is-honoured',
  'late-holder-is-told',
  'never-before-visible',
  'dead-lettered-at-exactly-max-receives',
  'expired-is-never-delivered',
  'purge',
  'redrive-moves-each-once',
  'body-intact',
  'only-published-is-delivered',
  'no-duplicate-ids',
  'own-id-once',
  'liveness',
] as const;

export type PromiseName = (typeof promises)[number];
