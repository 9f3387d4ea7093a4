/**
 * A process that writes to a SQLite store without end, for tests that stop or kill it: `node sqlite-writer.ts FILE FLOWS`. It prints a line
 * for each answer: `kept FLOW N`: the pair of rows N of the flow is stored. `gone FLOW N`: the row N of the flow is removed.
 */
import { openSqliteStore } from '../../engine/sqlite/store.ts';

const [file, flows] = process.argv.slice(2);
const store = openSqliteStore({ file: file! });

async function writeAway(flow: number): Promise<never> {
  for (let n = 0; ; n++) {
    const kept = `kept ${flow} ${n}`;
    const gone = `gone ${flow} ${n}`;
    // A pair in one transaction: after a crash there must be both or none.
    await store.transact([
      {
        key: { table: 'leases', id: kept },
        when: { absent: ['id'] },
        then: { put: { id: kept, n, shard: `s${flow}`, expiry: n } },
      },
      {
        key: { table: 'messages', shard: `s${flow}`, id: kept },
        then: { put: { shard: `s${flow}`, id: kept, n, text: text(n) } },
      },
    ]);
    console.log(kept);
    await store.write({ key: { table: 'leases', id: gone }, then: { put: { id: gone, n, text: text(n) } } });
    await store.write({ key: { table: 'leases', id: gone }, when: { equals: [['n'], n] }, then: { remove: true } });
    console.log(gone);
  }
}

/** Of any length up to some pages, so that rows begin and end anywhere in the file. */
function text(n: number): string {
  return 'x'.repeat((n * 997) % 9_000);
}

await Promise.all(Array.from({ length: Number(flows) }, (_, flow) => writeAway(flow)));
