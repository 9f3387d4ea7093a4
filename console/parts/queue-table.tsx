/** A table of queues, those with problems first. */
import { Link } from 'wouter-preact';
import type { ListedQueue } from '../../contract/contract.ts';
import { durationText } from '../../contract/duration-text.ts';
import { countText } from '../state/format.ts';
import { historyOf } from '../state/history.ts';
import { Sparkline } from './chart.tsx';
import { LastHourCells, LastHourTitles } from './last-hour.tsx';

const sparkPoints = 30;
const flows = ['published', 'acked', 'failed'] as const;
/** A ready message that waits longer than this has no consumer that keeps up. */
const waitsTooLongSeconds = 60;

interface QueueProblem {
  text: string;
  /** The part of the queue's page that shows it. */
  path?: string;
}

/** What is wrong with a queue. */
export function problemsOf({ paused, counts }: ListedQueue): QueueProblem[] {
  if (!counts) return [];
  const waits = counts.ready > 0 && (counts.oldestAgeSeconds ?? 0) > waitsTooLongSeconds;
  return [
    ...(counts.dead > 0 ? [{ text: `${countText(counts.dead, counts)} dead`, path: '/messages?state=dead' }] : []),
    ...(paused ? [{ text: 'paused', path: '/settings' }] : []),
    ...(waits && !paused ? [{ text: counts.leased === 0 ? 'no consumer in the last minute' : 'consumers are behind' }] : []),
  ];
}

export function QueueTable({ queues }: { queues: readonly ListedQueue[] }) {
  const rows = queues.map((queue) => ({ queue, problems: problemsOf(queue) }));
  const worstFirst = [...rows].sort((a, b) => b.problems.length - a.problems.length);
  return (
    <div class="wide">
      <table class="queues">
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col">Problems</th>
            <th scope="col">Ready</th>
            <th scope="col">Delayed</th>
            <th scope="col">Leased</th>
            <th scope="col">Dead</th>
            <th scope="col">Oldest</th>
            <th scope="col">Lately</th>
            <LastHourTitles flows={flows} />
          </tr>
        </thead>
        <tbody>
          {worstFirst.map(({ queue, problems }) => (
            <Row key={queue.name} queue={queue} problems={problems} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ queue: { name, counts, lastHour }, problems }: { queue: ListedQueue; problems: readonly QueueProblem[] }) {
  const depths = historyOf(name).slice(-sparkPoints);
  return (
    <tr>
      <th scope="row">
        <Link href={`/queues/${name}`}>{name}</Link>
      </th>
      <td>
        {problems.map(({ text, path = '' }) => (
          <Link key={text} href={`/queues/${name}${path}`}>
            <mark>{text}</mark>
          </Link>
        ))}
      </td>
      <td>{counts && countText(counts.ready, counts)}</td>
      <td>{counts && countText(counts.delayed, counts)}</td>
      <td>{counts && countText(counts.leased, counts)}</td>
      <td>{counts && countText(counts.dead, counts)}</td>
      <td>{counts?.oldestAgeSeconds != null && durationText(counts.oldestAgeSeconds)}</td>
      <td>
        <Sparkline label={`Ready messages of ${name} lately`} values={depths.map((point) => point.counts.ready)} />
      </td>
      <LastHourCells what={`Messages of ${name}`} flows={flows} points={lastHour} />
    </tr>
  );
}
