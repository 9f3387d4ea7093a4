/** Random commands to the queue. */
import fc from 'fast-check';

const queue = fc.constantFrom('q', 'q', 'p', 'dead');
/** Indexes of receipts, counted from the latest one. */
const receipts = fc.array(fc.nat(12), { minLength: 1, maxLength: 6 });
const ownId = fc.constantFrom('one', 'two', 'three');
const entry = fc.record(
  { delaySeconds: fc.constantFrom(0, 1, 30, 100), id: ownId, isLarge: fc.constant(true) },
  { requiredKeys: [] },
);
const plain = fc.record({});

export const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      queue,
      entries: fc.array(plain, { minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      queue,
      entries: fc.array(entry, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('receive' as const),
      queue,
      max: fc.constantFrom(1, 2, 5, 100),
      seconds: fc.constantFrom(undefined, 0, 1, 10, 5_000),
      caller: fc.nat(2),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('race' as const), queue, max: fc.constantFrom(1, 3, 100) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('ack' as const), receipts }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('release' as const),
      receipts,
      delaySeconds: fc.constantFrom(undefined, 0, 3, 200),
      failed: fc.constantFrom(undefined, '', 'no card', 'no stock'),
      deadLetter: fc.constantFrom(undefined, undefined, undefined, true),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('extend' as const), receipts, seconds: fc.constantFrom(undefined, 0, 5, 300) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(
        1,
        999,
        1_000,
        5_000,
        10_000,
        29_999,
        30_000,
        60_000,
        599_999,
        600_000,
        3_600_000,
        3_600_001,
        86_400_000,
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sweep' as const), caller: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('purge' as const), queue }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('redrive' as const),
      reason: fc.constantFrom(undefined, undefined, 'rejected' as const, 'max_receives' as const, 'expired' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('redriveOne' as const), nth: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('look' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

export type Command = typeof command extends fc.Arbitrary<infer Of> ? Of : never;
export type CommandOf<Name extends Command['do']> = Extract<Command, { do: Name }>;
