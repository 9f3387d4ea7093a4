/**
 * Tells when commits are on disk. SQLite hands a commit to the operating system and does not wait for the disk; the file of its
 * log is synced here, off the event loop. One sync serves all commits before it, and only one runs at a time.
 */

export interface Durability {
  /** Notes a commit. */
  committed(): void;
  /** Whether every commit so far is on disk. */
  isDurable(): boolean;
  /** Syncs what is not on disk yet. Calls back once, when every commit until now is on disk, or with the error of the sync. */
  whenDurable(done: (error?: Error) => void): void;
}

/** Syncs the log file, as `fs.fdatasync` does. */
export type Sync = (done: (error: Error | null) => void) => void;

/** Without `sync`, as for a database in memory, a commit is durable at once. */
export function createDurability(sync?: Sync): Durability {
  let committed = 0;
  let synced = 0;
  let isSyncing = false;
  let failure: Error | undefined;
  let waiting: { commit: number; done: (error?: Error) => void }[] = [];

  function syncOn(): void {
    if (sync === undefined || isSyncing || waiting.length === 0) return;
    isSyncing = true;
    const until = committed;
    sync((error) => {
      isSyncing = false;
      // After a failed sync, a later one may succeed although the data was dropped: https://lwn.net/Articles/752063/
      if (error) failure = error;
      else synced = until;
      answer();
      syncOn();
    });
  }

  function answer(): void {
    const ready = waiting.filter(({ commit }) => failure !== undefined || commit <= synced);
    waiting = waiting.filter((one) => !ready.includes(one));
    for (const { done } of ready) done(failure);
  }

  return {
    committed() {
      committed++;
      if (sync === undefined) synced = committed;
    },
    isDurable: () => synced === committed && failure === undefined,
    whenDurable(done) {
      if (failure !== undefined || synced === committed) done(failure);
      else {
        waiting.push({ commit: committed, done });
        syncOn();
      }
    },
  };
}
