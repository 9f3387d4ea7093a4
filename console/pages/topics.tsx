/** All topics. */
import { Link } from 'wouter-preact';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { Problem } from '../parts/problem.tsx';
import { countText, instantText } from '../state/format.ts';
import { useLive } from '../state/live.ts';
import { useSession } from '../state/session.ts';

const pageSize = 100;

export function TopicsPage() {
  const { call } = useSession();
  const { value, error } = useLive('topics', (signal) =>
    pagesOf(
      { limit: pageSize },
      (page) => call('listTopics', {}, page, signal),
      ({ topics }) => topics,
    ).all(),
  );
  return (
    <>
      <h1>Topics</h1>
      <Problem error={error} />
      {value?.length === 0 && <p>No topic yet.</p>}
      {value && value.length > 0 && (
        <div class="wide">
          <table>
            <thead>
              <tr>
                <th scope="col">Topic</th>
                <th scope="col">Subscriptions</th>
                <th scope="col">Created</th>
              </tr>
            </thead>
            <tbody>
              {value.map((topic) => (
                <tr key={topic.name}>
                  <th scope="row">
                    <Link href={`/topics/${topic.name}`}>{topic.name}</Link>
                  </th>
                  <td>{countText(topic.subscriptions)}</td>
                  <td>{instantText(topic.createdAt)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
