/** Mistakes in the store's client: in what it says of outcomes, and in how it calls. */
import type { Mutant } from './mutant.ts';

const connections = ['test/conformance/dynamo-connections.test.ts'];
const faults = ['test/conformance/dynamo-faults.test.ts'];

export const dynamo: Mutant[] = [
  {
    name: 'a lost answer means that nothing was written',
    file: 'engine/dynamo/client.ts',
    find: "if (outcome === 'unknown') maybeApplied = true;",
    replace: '',
    tests: faults,
  },
  {
    name: 'only the last attempt decides the outcome of a write',
    file: 'engine/dynamo/client.ts',
    find: "if (outcome === 'unknown') maybeApplied = true;",
    replace: "maybeApplied = outcome === 'unknown';",
    tests: faults,
  },
  {
    name: 'an attempt may start after the write deadline',
    file: 'engine/dynamo/client.ts',
    find: 'if (by !== undefined && clock.now() > by) throw',
    replace: 'if (by !== undefined && clock.now() > Number.POSITIVE_INFINITY) throw',
    tests: faults,
  },
  {
    name: 'the checksum of an answer is not checked',
    file: 'engine/dynamo/answers.ts',
    find: 'checksum !== undefined &&',
    replace: 'checksum === undefined &&',
    tests: connections,
  },
  {
    name: 'a damaged answer means that nothing was written',
    file: 'engine/dynamo/errors.ts',
    find: "if (error instanceof DamagedAnswer) return 'unknown';",
    replace: "if (error instanceof DamagedAnswer) return 'no';",
    tests: connections,
  },
  {
    name: 'requests are signed with the local clock',
    file: 'engine/dynamo/client.ts',
    find: 'const signedAt = clock.now();',
    replace: 'const signedAt = clock.local();',
    tests: connections,
  },
  {
    name: 'each attempt of a transaction is another transaction',
    file: 'engine/dynamo/client.ts',
    find: 'const answer = await attempt(operation, body, options);',
    replace:
      'const answer = await attempt(operation, JSON.stringify({ ...input, ClientRequestToken: crypto.randomUUID() }), options);',
    tests: faults,
  },
  {
    name: 'a client keeps the key of the day before',
    file: 'aws/signature.ts',
    find: 'derived?.name !== name',
    replace: 'derived === undefined',
    tests: ['test/unit/aws/signature.test.ts'],
  },
];
