/** A store that records its changes as the streams of the tables would, with new images. */
import { toItem } from '../../engine/dynamo/attribute-values.ts';
import type { Key, Store } from '../../engine/port/port.ts';
import { keyAttributes } from '../../engine/port/row-limits.ts';
import type { StreamRecord } from '../../functions/lambda/stream-records.ts';

export interface StreamedStore {
  store: Store;
  /** The records of `messages` and `leases` since the last call of this. */
  takeRecords(): StreamRecord[];
}

export function streamed(inner: Store): StreamedStore {
  let records: StreamRecord[] = [];

  async function recording<T>(keys: readonly Key[], write: () => Promise<T>): Promise<T> {
    const watched = keys.filter(({ table }) => table !== 'queues');
    const before = await inner.get(watched);
    const written = await write();
    const after = await inner.get(watched);
    for (const [index, key] of watched.entries()) {
      const [old, row] = [before[index], after[index]];
      if (JSON.stringify(old) === JSON.stringify(row)) continue;
      const eventName = row === undefined ? 'REMOVE' : old === undefined ? 'INSERT' : 'MODIFY';
      const images = { Keys: toItem(keyAttributes(key)), ...(row && { NewImage: toItem(row) }) };
      records.push({ eventName, dynamodb: images });
    }
    return written;
  }

  return {
    takeRecords() {
      const taken = records;
      records = [];
      return taken;
    },
    store: {
      get: (keys, options) => inner.get(keys, options),
      range: (range, options) => inner.range(range, options),
      write: (write, options) => recording([write.key], () => inner.write(write, options)),
      writeAll: (writes, options) =>
        recording(
          writes.map(({ key }) => key),
          () => inner.writeAll(writes, options),
        ),
      transact: (writes, options) =>
        recording(
          writes.map(({ key }) => key),
          () => inner.transact(writes, options),
        ),
    },
  };
}
