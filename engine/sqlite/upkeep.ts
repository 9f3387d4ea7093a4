/** Removes rows whose time to live has passed, and gives free pages back to the disk: in small steps, so that no call waits long. */
import type { DatabaseSync } from 'node:sqlite';
import { numberOf } from './format.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Rows } from './rows.ts';

export interface Upkeep {
  /** One step. Resolves to whether there is more to do at once. */
  step(): Promise<boolean>;
  /** Runs steps by a timer, which does not keep the process alive. */
  start(): void;
  stop(): void;
}

const removedMax = 500;
/** Free pages that the file keeps for the rows to come: 4 MB. */
const freePagesKept = 1024;
const freedMax = 512;
const pauseMs = 20_000;
const pauseMsBetweenSteps = 50;

export function createUpkeep(parts: { database: DatabaseSync; rows: Rows; group: GroupCommit; now: () => number }): Upkeep {
  const { database, rows, group, now } = parts;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  function step(): Promise<boolean> {
    return group.write(() => {
      const removed = rows.removeExpired(now(), removedMax);
      const spare = numberOf(database, 'freelist_count') - freePagesKept;
      if (spare > 0) database.exec(`PRAGMA incremental_vacuum(${Math.min(spare, freedMax)})`);
      return removed >= removedMax || spare > freedMax;
    });
  }

  function schedule(ms: number): void {
    if (isStopped) return;
    timer = setTimeout(() => {
      // A step that fails is repeated later. The calls of the queue tell of the failure.
      step().then(
        (more) => schedule(more ? pauseMsBetweenSteps : pauseMs),
        () => schedule(pauseMs),
      );
    }, ms);
    timer.unref();
  }

  return {
    step,
    start: () => schedule(pauseMsBetweenSteps),
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
