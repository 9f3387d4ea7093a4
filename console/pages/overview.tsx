/** All queues with their depths, those with problems first; or sums by the beginning of their names. */
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { ListedQueue, QueueStatsPoint, QueuesPage } from '../../contract/contract.ts';
import { statsStepSeconds } from '../../contract/limits.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { Sparkline } from '../parts/chart.tsx';
import { CreateQueue } from '../parts/create-queue.tsx';
import { Problem } from '../parts/problem.tsx';
import { useAddress } from '../state/address.ts';
import { countText, durationText } from '../state/format.ts';
import { historyOf, remember } from '../state/history.ts';
import { useLive } from '../state/live.ts';
import { type Session, useSession } from '../state/session.ts';
import { firstPages } from './first-pages.ts';

const pageSize = 50;
const sparkPoints = 30;
/** Processes report once a minute. */
const lastHourMs = 60_000;
const stepMs = statsStepSeconds * 1000;
const stepsOfHour = 6;
const flows = ['published', 'acked', 'failed'] as const;
/** A ready message that waits longer than this has no consumer that keeps up. */
const waitsTooLongSeconds = 60;

export function OverviewPage() {
  const session = useSession();
  // Another prefix is shown from its first page on.
  const [search, change] = useAddress({ prefix: 'pages' });
  const [isCreating, setCreating] = useState(false);
  const prefix = search.get('prefix') ?? '';
  const isGrouped = search.get('view') === 'groups';
  const pages = Number(search.get('pages') ?? 1);
  const { value, error, reload } = useLive(`queues ${prefix} ${pages}`, async (signal) => {
    const listed = await list(session, { prefix, counts: true }, pages, signal);
    for (const { name, counts } of listed.items) if (counts) remember(name, counts);
    return listed;
  });
  const hours = useLive(
    `last hour ${prefix} ${pages}`,
    (signal) => list(session, { prefix, lastHour: true }, pages, signal),
    lastHourMs,
  );
  const pointsOf = new Map(hours.value?.items.map(({ name, lastHour = [] }) => [name, lastHour]));

  return (
    <>
      <div class="title">
        <h1>Queues</h1>
        {session.can('admin') && (
          <button type="button" onClick={() => setCreating(true)}>
            Create a queue
          </button>
        )}
      </div>
      <search class="filters">
        <input
          type="search"
          aria-label="Beginning of the name"
          placeholder="Beginning of the name"
          value={prefix}
          onInput={(event) => change('prefix', event.currentTarget.value.replace(/[^\w.~-]/g, ''))}
        />
        <label>
          <input type="checkbox" checked={isGrouped} onChange={() => change('view', isGrouped ? '' : 'groups')} />
          Sums by prefix
        </label>
      </search>
      <Problem error={error} />
      {!value && !error && <p aria-busy="true">Counting messages…</p>}
      {value && (isGrouped ? <Groups queues={value.items} /> : <Queues queues={value.items} pointsOf={pointsOf} />)}
      {value?.items.length === 0 && <p>No queue {prefix === '' ? 'yet' : `begins with ${prefix}`}.</p>}
      {value?.more && (
        <button type="button" class="secondary" onClick={() => change('pages', String(pages + 1))}>
          Show more queues
        </button>
      )}
      {isCreating && (
        <CreateQueue
          onClose={() => {
            setCreating(false);
            void reload();
          }}
        />
      )}
    </>
  );
}

function list({ call }: Session, { prefix, ...asked }: QueuesPage, pages: number, signal: AbortSignal) {
  const queues = pagesOf(
    { limit: pageSize, ...asked, ...(prefix && { prefix }) },
    (page) => call('listQueues', {}, page, signal),
    ({ queues }) => queues,
  );
  return firstPages(queues, pages);
}

/** What is wrong with a queue, the worst first. */
function problemsOf({ paused, counts }: ListedQueue): string[] {
  if (!counts) return [];
  const waits = counts.ready > 0 && (counts.oldestAgeSeconds ?? 0) > waitsTooLongSeconds;
  return [
    ...(counts.dead > 0 ? [`${countText(counts.dead, counts)} dead`] : []),
    ...(paused ? ['paused'] : []),
    ...(waits && !paused ? [counts.leased === 0 ? 'no consumer in the last minute' : 'consumers are behind'] : []),
  ];
}

/** The points of each queue in the last hour, as far as they are loaded. */
type PointsOf = ReadonlyMap<string, readonly QueueStatsPoint[]>;

function Queues({ queues, pointsOf }: { queues: readonly ListedQueue[]; pointsOf: PointsOf }) {
  const rows = queues.map((queue) => ({ queue, problems: problemsOf(queue) }));
  const worstFirst = [...rows].sort((a, b) => b.problems.length - a.problems.length);
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col">Ready</th>
            <th scope="col">Delayed</th>
            <th scope="col">Leased</th>
            <th scope="col">Dead</th>
            <th scope="col">Oldest</th>
            <th scope="col">Lately</th>
            {flows.map((flow) => (
              <th key={flow} scope="col">
                {flow[0]!.toUpperCase() + flow.slice(1)}, 1 h
              </th>
            ))}
            <th scope="col">Problems</th>
          </tr>
        </thead>
        <tbody>
          {worstFirst.map(({ queue, problems }) => (
            <Row key={queue.name} queue={queue} problems={problems} points={pointsOf.get(queue.name)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  queue: ListedQueue;
  problems: readonly string[];
  points: readonly QueueStatsPoint[] | undefined;
}

function Row({ queue: { name, counts }, problems, points }: RowProps) {
  const depths = historyOf(name).slice(-sparkPoints);
  return (
    <tr>
      <th scope="row">
        <Link href={`/queues/${name}`}>{name}</Link>
      </th>
      <td>{counts && countText(counts.ready, counts)}</td>
      <td>{counts && countText(counts.delayed, counts)}</td>
      <td>{counts && countText(counts.leased, counts)}</td>
      <td>{counts && countText(counts.dead, counts)}</td>
      <td>{counts?.oldestAgeSeconds != null && durationText(counts.oldestAgeSeconds)}</td>
      <td>
        <Sparkline label={`Ready messages of ${name} lately`} values={depths.map((point) => point.counts.ready)} />
      </td>
      {flows.map((flow) => (
        <td key={flow}>
          {points && <LastHour label={`Messages of ${name} ${flow} in the last hour`} values={steps(points, flow)} />}
        </td>
      ))}
      <td>
        {problems.map((problem) => (
          <mark key={problem}>{problem}</mark>
        ))}
      </td>
    </tr>
  );
}

function LastHour({ values, label }: { values: readonly number[]; label: string }) {
  const sum = values.reduce((all, value) => all + value, 0);
  if (sum === 0) return '0';
  return (
    <>
      {countText(sum)} <Sparkline label={label} values={values} />
    </>
  );
}

/** One value for each step of the hour: a step in which nothing happened has no point. */
function steps(points: readonly QueueStatsPoint[], flow: (typeof flows)[number]): number[] {
  const latest = Math.floor(Date.now() / stepMs);
  const byStep = new Map(points.map((point) => [Math.floor(Date.parse(point.at) / stepMs), point[flow]]));
  return Array.from({ length: stepsOfHour + 1 }, (_, index) => byStep.get(latest - stepsOfHour + index) ?? 0);
}

/** The name up to its first separator. */
const groupOf = (name: string) => /^[^-_.~]+[-_.~]?/.exec(name)![0];

function Groups({ queues }: { queues: readonly ListedQueue[] }) {
  const groups = Map.groupBy(queues, ({ name }) => groupOf(name));
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Names that begin with</th>
            <th scope="col">Queues</th>
            <th scope="col">Ready</th>
            <th scope="col">Leased</th>
            <th scope="col">Dead</th>
          </tr>
        </thead>
        <tbody>
          {[...groups].map(([prefix, members]) => {
            const sum = (state: 'ready' | 'leased' | 'dead') =>
              members.reduce((all, { counts }) => all + (counts?.[state] ?? 0), 0);
            const atLeast = members.some(({ counts }) => counts?.atLeast);
            return (
              <tr key={prefix}>
                <th scope="row">
                  <Link href={`/?prefix=${encodeURIComponent(prefix)}`}>{prefix}</Link>
                </th>
                <td>{countText(members.length)}</td>
                <td>{countText(sum('ready'), { atLeast })}</td>
                <td>{countText(sum('leased'), { atLeast })}</td>
                <td>{countText(sum('dead'), { atLeast })}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
