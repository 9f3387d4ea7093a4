/** Topics, with what was published to each in the last hour and what subscriptions got of it. */
import { Link } from 'wouter-preact';
import type { ListedTopic } from '../../contract/contract.ts';
import { countText } from '../state/format.ts';
import { LastHourCells, LastHourTitles } from './last-hour.tsx';

const flows = ['published', 'delivered', 'unmatched'] as const;

export function TopicTable({ topics }: { topics: readonly ListedTopic[] }) {
  return (
    <div class="wide">
      <table class="queues">
        <thead>
          <tr>
            <th scope="col">Topic</th>
            <th scope="col">Problems</th>
            <th scope="col">Subscriptions</th>
            <LastHourTitles flows={flows} />
          </tr>
        </thead>
        <tbody>
          {topics.map((topic) => (
            <Row key={topic.name} topic={topic} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ topic: { name, subscriptions, lastHour } }: { topic: ListedTopic }) {
  const undelivered = lastHour?.at(-1)?.undelivered ?? 0;
  return (
    <tr>
      <th scope="row">
        <Link href={`/topics/${name}`}>{name}</Link>
      </th>
      <td>{undelivered > 0 && <mark>{countText(undelivered)} publishes on their way</mark>}</td>
      <td>{countText(subscriptions)}</td>
      <LastHourCells what={`Messages to ${name}`} flows={flows} points={lastHour} />
    </tr>
  );
}
