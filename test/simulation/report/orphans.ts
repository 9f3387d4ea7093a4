/**
 * Finds offloaded bodies that a fault explains. Bodies in a queue that keeps messages forever have no TTL. A process that dies or loses a
 * response between writing them and their row leaves them for good. A process without such a fault must leave none.
 */
import { chunkKeys } from '../../../engine/model/content-codec.ts';
import { decodeMore } from '../../../engine/model/slot-codec.ts';
import type { Key, Row, Store, Write } from '../../../engine/port/port.ts';
import { keyText } from '../../../engine/port/row-limits.ts';
import type { Fault } from '../../../engine/simulation/faulty-store.ts';

export interface InjectedFault {
  at: number;
  fault: Fault;
  process: string;
}

export interface Orphans {
  /** The store, with a record of which process writes which rows. */
  watched(process: string, store: Store): Store;
  /** A death by a step of the plan, not by a random fault. */
  noteDeath(process: string): void;
  /** Whether a fault explains that this chunk was left. */
  mayBe(chunk: Row): boolean;
}

/** Faults after which the process stops, or does not know whether a write was applied. */
const interrupting: readonly Fault[] = ['kill', 'lostReply', 'lostRequest', 'late', 'duplicated', 'halfDone'];

/** `callMsMax`: how long a call may last after a write. */
export function createOrphans(now: () => number, injected: readonly InjectedFault[], callMsMax: number): Orphans {
  /** By the key of a chunk. */
  const touched = new Map<string, { process: string; at: number; mayComeLater: boolean }[]>();
  /** The bodies that each row named last. */
  const namedBy = new Map<string, string[]>();
  const deaths: Pick<InjectedFault, 'at' | 'process'>[] = [];

  function note(process: string, { key, then }: Pick<Write, 'key' | 'then'>, inTransaction = false): void {
    // A refused publish to a group, or to a topic, may still be applied later, as far as its caller knows.
    const mayComeLater = inTransaction && (key.table === 'messages' || 'put' in then);
    const row = keyText(key);
    const named = 'put' in then ? chunksOf(then.put) : [];
    for (const chunk of [row, ...(namedBy.get(row) ?? []), ...named]) {
      touched.set(chunk, [...(touched.get(chunk) ?? []), { process, at: now(), mayComeLater }]);
    }
    if (named.length > 0) namedBy.set(row, named);
  }

  return {
    watched: (process, store) => ({
      ...store,
      write(write, options) {
        note(process, write);
        return store.write(write, options);
      },
      writeAll(writes, options) {
        for (const write of writes) note(process, write);
        return store.writeAll(writes, options);
      },
      transact(writes, options) {
        for (const write of writes) note(process, write, true);
        return store.transact(writes, options);
      },
    }),
    noteDeath: (process) => void deaths.push({ process, at: now() }),
    mayBe({ shard, id }) {
      const interrupted = [...deaths, ...injected.filter(({ fault }) => interrupting.includes(fault))];
      const touches = touched.get(keyText({ table: 'messages', shard, id } as Key));
      // Written by a caller's transaction, which can be late or duplicated.
      if (!touches) return interrupted.length > 0;
      return touches.some((touch) =>
        (touch.mayComeLater ? [...deaths, ...injected] : interrupted).some(
          ({ at, process }) => process === touch.process && at >= touch.at && at <= touch.at + callMsMax,
        ),
      );
    },
  };
}

function chunksOf(row: Row): string[] {
  const { beside, chunks, size, more } = row;
  const own = beside === undefined ? [] : [{ offloaded: beside as string, chunks: chunks as number, size: size as number }];
  const others = more === undefined ? [] : decodeMore(more as Row).parcels.map(({ content }) => content);
  return [...own, ...others].flatMap(chunkKeys).map(keyText);
}
