/** All queues of a prefix with their counts, to add them up, or to find those with problems. */
import { useState } from 'preact/hooks';
import type { ListedQueue } from '../../contract/contract.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { type Loaded, useLive } from '../state/live.ts';
import { useSession } from '../state/session.ts';

const pageSize = 100;
/** To count all queues takes a call for each hundred of them. */
const pauseMs = 60_000;

/** While the first reading runs, `read` is what it has so far. */
export function useAllQueues(prefix: string): Loaded<ListedQueue[]> & { read: ListedQueue[] } {
  const { call } = useSession();
  const [read, setRead] = useState<{ prefix: string; queues: ListedQueue[] }>({ prefix, queues: [] });
  const loaded = useLive(
    `all queues ${prefix}`,
    async (signal) => {
      const list = pagesOf(
        { limit: pageSize, counts: true, lastHour: true, ...(prefix && { prefix }) },
        (page) => call('listQueues', {}, page, signal),
        ({ queues }) => queues,
      );
      let all: ListedQueue[] = [];
      for await (const { items } of list.pages()) {
        all = [...all, ...items];
        if (!signal.aborted) setRead({ prefix, queues: all });
      }
      return all;
    },
    pauseMs,
  );
  return { ...loaded, read: loaded.value ?? (read.prefix === prefix ? read.queues : []) };
}
