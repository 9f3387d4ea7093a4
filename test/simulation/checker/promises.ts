/** The names of the promises. docs/guarantees.md says what each one means. */
export const ofContents = ['body-intact', 'only-published-is-delivered', 'no-duplicate-ids', 'own-id-once'] as const;

export const ofLeases = [
  'one-live-lease',
  'live-lease-is-honoured',
  'late-holder-is-refused',
  'never-before-visible',
  'acked-never-comes-back',
  'repeat-gives-the-same',
] as const;

export const ofEndings = [
  'accepted-is-never-lost',
  'liveness',
  'expired-is-never-delivered',
  'purge',
  'dead-lettered-at-exactly-max-receives',
  'redrive-moves-each-once',
] as const;

export const ofRecords = [
  'cancelled-never-comes',
  'release-by-id-ends-the-lease',
  'group-order',
  'one-lease-a-group',
  'paused-gives-nothing',
] as const;

export const ofKeys = ['one-message-a-key'] as const;

export const ofPrepared = ['never-before-commit', 'decided-once'] as const;

export const ofKeeping = ['kept-can-be-read'] as const;

export const ofSchedules = ['one-message-a-tick'] as const;
export const ofLimits = ['limits-hold'] as const;

export const ofTopics = ['every-subscription-once', 'none-after-unsubscribe', 'never-unmatched'] as const;

export const ofTransactions = ['transaction-is-whole', 'effect-happens-once'] as const;

export const promises = [
  ...ofContents,
  ...ofLeases,
  ...ofEndings,
  ...ofRecords,
  ...ofKeys,
  ...ofKeeping,
  ...ofPrepared,
  ...ofSchedules,
  ...ofLimits,
  ...ofTopics,
  ...ofTransactions,
] as const;

export type PromiseName = (typeof promises)[number];
