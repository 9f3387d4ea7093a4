/** All topics. */
import { pagesOf } from '../../sdk/calls/pages.ts';
import { statsPauseMs } from '../parts/last-hour.tsx';
import { Problem } from '../parts/problem.tsx';
import { TopicTable } from '../parts/topic-table.tsx';
import { useAddress } from '../state/address.ts';
import { useLive } from '../state/live.ts';
import { useSession } from '../state/session.ts';
import { firstPages } from './first-pages.ts';

const pageSize = 50;

export function TopicsPage() {
  const { call } = useSession();
  const [search, change] = useAddress({});
  const pages = Number(search.get('pages') ?? 1);
  const { value, error } = useLive(
    `topics ${pages}`,
    (signal) => {
      const topics = pagesOf(
        { limit: pageSize, lastHour: true },
        (page) => call('listTopics', {}, page, signal),
        ({ topics }) => topics,
      );
      return firstPages(topics, pages);
    },
    statsPauseMs,
  );
  return (
    <>
      <h1>Topics</h1>
      <Problem error={error} />
      {value?.items.length === 0 && <p>No topic yet.</p>}
      {value && value.items.length > 0 && <TopicTable topics={value.items} />}
      {value?.more && (
        <button type="button" class="secondary" onClick={() => change('pages', String(pages + 1))}>
          Show more topics
        </button>
      )}
    </>
  );
}
