/**
 * What the tables hold in the end, when every message is done and all has been swept: the one look inside, for what piles up unseen is
 * no broken promise to a caller.
 */
import type { MemoryStore } from '../../engine/memory-store.ts';
import type { Row } from '../../engine/port.ts';

/**
 * Rows that nothing will ever remove, or that should be gone by now. `mayOrphan`: a process that broke off after it had written bodies,
 * and before their row, leaves them; in a queue that keeps messages forever that is room wasted for good.
 */
export function residueOf(memory: MemoryStore, mayOrphan: boolean): string[] {
  const left: string[] = [];
  for (const row of memory.rows('messages')) {
    const isBody = (row.shard as string).startsWith('body:');
    if (!isBody) left.push(`a parcel in messages: ${named(row)}`);
    else if (row.ttl === undefined && !mayOrphan) left.push(`a body without ttl: ${named(row)}`);
  }
  for (const row of memory.rows('leases')) {
    if (row.until === undefined) left.push(`a lease that holds something: ${named(row)}`);
    else if (row.expiry !== undefined) left.push(`a tombstone still in the index: ${named(row)}`);
    else if (row.ttl === undefined) left.push(`a tombstone without ttl: ${named(row)}`);
  }
  for (const row of memory.rows('queues')) {
    if (row.kind === 'queue' && (row.shards !== 1 || row.shardsVisited !== 1))
      left.push(`shards of an idle queue: ${named(row)}`);
    if (row.kind === 'deleted' || row.kind === 'sweep') left.push(`a row of the sweep: ${named(row)}`);
    if (row.kind === 'task' && row.ttl === undefined) left.push(`a redrive that runs on: ${named(row)}`);
  }
  return left;
}

function named(row: Row): string {
  return JSON.stringify(row, (name, value) => (name === 'bytes' || name === 'bodies' ? '…' : value));
}
