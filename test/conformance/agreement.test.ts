/** The memory store, the SQLite store and a DynamoDB engine evaluate conditions and changes alike. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoStore } from '../../engine/dynamo/store.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { type Condition, type Row, type Store, StoreError, type Write } from '../../engine/port/port.ts';
import { openSqliteStore } from '../../engine/sqlite/store.ts';
import { startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { randomWrites } from '../support/random-writes.ts';

/** The answer of a store to one write, and the row after it. */
async function outcome(
  store: Store,
  id: string,
  { row, when, then }: { row: Row | undefined; when: Condition | undefined; then: Write['then'] },
) {
  const key = { table: 'leases', id } as const;
  if (row !== undefined) await store.write({ key, then: { put: { ...row, id } } });
  const change = 'put' in then ? { put: { ...then.put, id } } : then;
  const answer = await store.write({ key, ...(when && { when }), then: change }).catch((error: unknown) => {
    expect(error).not.toBeInstanceOf(StoreError);
    return 'defect' as const;
  });
  const [after] = await store.get([key]);
  return { answer, after };
}

describe('the memory, SQLite and DynamoDB stores', () => {
  let dynamodb: TestDynamodb;
  beforeAll(async () => {
    dynamodb = await startTestDynamodb();
  });
  afterAll(() => dynamodb.stop());

  it('agree on any write to any row', async () => {
    const memory = createMemoryStore();
    const sqlite = openSqliteStore();
    const dynamo = createDynamoStore(dynamodb);
    let count = 0;
    const met = { applied: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(randomWrites, async (one) => {
        const id = `row-${++count}`;
        const remembered = await outcome(memory, id, one);
        expect(await outcome(sqlite, id, one)).toEqual(remembered);
        // The engine accepts some writes that the port forbids, such as an index past the end of a list.
        if (remembered.answer === 'defect') return;
        met[remembered.answer.ok ? 'applied' : 'refused']++;
        expect(await outcome(dynamo, id, one)).toEqual(remembered);
      }),
      { numRuns: 1_500 },
    );
    await sqlite.close();
    // The property says little if nearly all writes are defects.
    expect(met.applied).toBeGreaterThan(200);
    expect(met.refused).toBeGreaterThan(200);
  });
});
