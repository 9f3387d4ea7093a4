/** Changes a row of `queues` that several processes add to: no change is lost. */
import type { Key, Random, Row, Store } from '../../engine/port/port.ts';
import { untilDone } from '../../engine/port/until-done.ts';

const versionChars = 10;

/** `decide` gets the current row, and returns the attributes of the new one without its key. Throws StoreError. */
export async function changeRow(
  { store, random }: { store: Store; random: Random },
  key: Key & { table: 'queues' },
  decide: (before: Row | undefined) => object,
): Promise<void> {
  const { kind, name } = key;
  const [first] = await store.get([key]);
  await untilDone<Row | undefined, void>(`the row ${kind} ${name}`, first, async (before) => {
    const when = before ? { equals: [['version'], before.version as string] as const } : { absent: ['name'] as const };
    const row = { ...decide(before), kind, name, version: random.chars(versionChars) } as unknown as Row;
    const written = await store.write({ key, when: when as never, then: { put: row } });
    return written.ok ? { done: undefined } : { seen: written.row };
  });
}
