/** The overview: queues with their depths, a page at a time, and topics. Two other views are of all queues: those with problems, and sums by prefix. */
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { QueuesPage } from '../../contract/contract.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { CreateQueue } from '../parts/create-queue.tsx';
import { statsPauseMs } from '../parts/last-hour.tsx';
import { PrefixSums } from '../parts/prefix-sums.tsx';
import { Problem } from '../parts/problem.tsx';
import { problemsOf, QueueTable } from '../parts/queue-table.tsx';
import { TopicTable } from '../parts/topic-table.tsx';
import { useAddress } from '../state/address.ts';
import { countText } from '../state/format.ts';
import { remember } from '../state/history.ts';
import { useLive } from '../state/live.ts';
import { type Session, useSession } from '../state/session.ts';
import { useAllQueues } from './all-queues.ts';
import { firstPages } from './first-pages.ts';

const pageSize = 50;
/** Rows of one table, so that it stays quick when every queue has a problem. */
const problemsShown = 200;

export function OverviewPage() {
  const { can } = useSession();
  // Another prefix is shown from its first page on.
  const [search, change] = useAddress({ prefix: 'pages' });
  const [isCreating, setCreating] = useState(false);
  /** Lists are read again after each. */
  const [created, setCreated] = useState(0);
  const prefix = search.get('prefix') ?? '';
  const view = search.get('view') ?? '';
  const viewBox = (name: string, label: string) => (
    <label>
      <input type="checkbox" checked={view === name} onChange={() => change('view', view === name ? '' : name)} />
      {label}
    </label>
  );
  return (
    <>
      <div class="title">
        <h1>Queues</h1>
        {can('admin') && (
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
        {viewBox('problems', 'Only problems')}
        {viewBox('sums', 'Sums by prefix')}
      </search>
      {view === '' ? (
        <FirstPages
          key={created}
          prefix={prefix}
          pages={Number(search.get('pages') ?? 1)}
          show={(count) => change('pages', String(count))}
        />
      ) : (
        <AllQueues key={created} prefix={prefix} isSummed={view === 'sums'} />
      )}
      {view === '' && prefix === '' && <Topics />}
      {isCreating && (
        <CreateQueue
          onClose={() => {
            setCreating(false);
            setCreated(created + 1);
          }}
        />
      )}
    </>
  );
}

interface FirstPagesProps {
  prefix: string;
  pages: number;
  show(pages: number): void;
}

function FirstPages({ prefix, pages, show }: FirstPagesProps) {
  const session = useSession();
  const { value, error } = useLive(`queues ${prefix} ${pages}`, async (signal) => {
    const listed = await list(session, { prefix, counts: true }, pages, signal);
    for (const { name, counts } of listed.items) if (counts) remember(name, counts);
    return listed;
  });
  const hours = useLive(
    `last hour ${prefix} ${pages}`,
    (signal) => list(session, { prefix, lastHour: true }, pages, signal),
    statsPauseMs,
  );
  const hourOf = new Map(hours.value?.items.map(({ name, lastHour = [] }) => [name, lastHour]));
  const queues = value?.items.map((queue) => {
    const lastHour = hourOf.get(queue.name);
    return { ...queue, ...(lastHour && { lastHour }) };
  });
  return (
    <>
      <Problem error={error} />
      {!value && !error && <p aria-busy="true">Counting messages…</p>}
      {value?.more && (
        <p>
          The first {countText(value.items.length)} queues, those with problems first.{' '}
          <Link href={`/?view=problems${prefix && `&prefix=${encodeURIComponent(prefix)}`}`}>
            Find the problems of all queues
          </Link>
        </p>
      )}
      {queues && <QueueTable queues={queues} />}
      {value?.items.length === 0 && <p>No queue {prefix === '' ? 'yet' : `begins with ${prefix}`}.</p>}
      {value?.more && (
        <button type="button" class="secondary" onClick={() => show(pages + 1)}>
          Show more queues
        </button>
      )}
    </>
  );
}

function AllQueues({ prefix, isSummed }: { prefix: string; isSummed: boolean }) {
  const { value, read, error } = useAllQueues(prefix);
  const withProblems = read.filter((queue) => problemsOf(queue).length > 0);
  const more = withProblems.length - problemsShown;
  const isReading = !value && !error;
  return (
    <>
      <Problem error={error} />
      <p role="status" aria-busy={isReading}>
        Queues with problems: {countText(withProblems.length)} of {countText(read.length)}
        {isReading ? '…' : ''}
      </p>
      {isSummed ? <PrefixSums queues={read} /> : <QueueTable queues={withProblems.slice(0, problemsShown)} />}
      {!isSummed && more > 0 && <p>{countText(more)} more. Type the beginning of their names.</p>}
    </>
  );
}

/** The first page of the topics. A key that covers none sees nothing of them. */
function Topics() {
  const { call } = useSession();
  const { value } = useLive(
    'topics of the overview',
    (signal) => call('listTopics', {}, { limit: pageSize, lastHour: true }, signal),
    statsPauseMs,
  );
  if (!value || value.topics.length === 0) return null;
  return (
    <section aria-label="Topics">
      <h2>Topics</h2>
      <TopicTable topics={value.topics} />
      {value.cursor !== undefined && <Link href="/topics">All topics</Link>}
    </section>
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
