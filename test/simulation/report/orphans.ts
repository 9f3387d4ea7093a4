/**
 * Who had to do with bodies that lie beside rows, and whether that was broken off. Bodies in a queue that keeps messages for ever have no TTL:
 * who dies, or is not told of a write, between them and their row, leaves them for good. Whoever was not struck must leave none.
 */
import { chunkKeys } from '../../../engine/model/content-codec.ts';
import type { Key, Row, Store, Write } from '../../../engine/port/port.ts';
import { keyText } from '../../../engine/port/row-limits.ts';
import type { Fault } from '../../../engine/simulation/faulty-store.ts';

export interface Struck {
  at: number;
  fault: Fault;
  process: string;
}

export interface Orphans {
  /** The store, of whose writes it is noted what they have to do with. */
  watched(process: string, store: Store): Store;
  /** By a step of its plan, not by chance. */
  noteDeath(process: string): void;
  /** Whether this piece may have been left. */
  mayBe(piece: Row): boolean;
}

/** After these nothing more is done, or a write may have been made, or be made once more, without word of it. */
const breaking: readonly Fault[] = ['kill', 'lostReply', 'lostRequest', 'late', 'duplicated', 'halfDone'];

/** `callMsMax`: how long a call may go on that wrote something. */
export function createOrphans(now: () => number, struck: readonly Struck[], callMsMax: number): Orphans {
  /** By the key of a piece. */
  const touched = new Map<string, { process: string; at: number; ofGroup: boolean }[]>();
  /** Of rows that name bodies, those that they named last. */
  const namedBy = new Map<string, string[]>();
  const deaths: Pick<Struck, 'at' | 'process'>[] = [];

  function note(process: string, { key, then }: Pick<Write, 'key' | 'then'>, inTransaction = false): void {
    // A publish to a group that was refused may come once more, as far as its caller knows, unless another takes its place.
    const ofGroup = inTransaction && key.table === 'messages';
    const row = keyText(key);
    const named = 'put' in then ? piecesOf(then.put) : [];
    for (const piece of [row, ...(namedBy.get(row) ?? []), ...named]) {
      touched.set(piece, [...(touched.get(piece) ?? []), { process, at: now(), ofGroup }]);
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
      const broke = [...deaths, ...struck.filter(({ fault }) => breaking.includes(fault))];
      const touches = touched.get(keyText({ table: 'messages', shard, id } as Key));
      // A transaction of a caller's own, which comes late or twice like any request.
      if (!touches) return broke.length > 0;
      return touches.some((touch) =>
        (touch.ofGroup ? [...deaths, ...struck] : broke).some(
          ({ at, process }) => process === touch.process && at >= touch.at && at <= touch.at + callMsMax,
        ),
      );
    },
  };
}

function piecesOf({ beside, chunks, size }: Row): string[] {
  if (beside === undefined) return [];
  return chunkKeys({ offloaded: beside as string, chunks: chunks as number, size: size as number }).map(keyText);
}
