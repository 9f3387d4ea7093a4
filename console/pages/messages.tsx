/** The messages of a queue, filtered by what the page's address says, and what to do with those that are selected. */
import { useEffect, useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { Message } from '../../contract/contract.ts';
import { BulkActions } from '../parts/bulk-actions.tsx';
import { MessageFilters } from '../parts/message-filters.tsx';
import { Problem } from '../parts/problem.tsx';
import { useFilters } from '../state/filters.ts';
import { countText, fromNow, instantText } from '../state/format.ts';
import { useHiddenBodies } from '../state/hidden-bodies.ts';
import { live } from '../state/live.ts';
import { bodyText, type Scanned, scan } from '../state/scan.ts';
import { useSession } from '../state/session.ts';

const pageSize = 50;
const bodyCharsShown = 120;
const nothing: Scanned = { messages: [], examined: 0 };

export function MessagesTab({ queue }: { queue: string }) {
  const session = useSession();
  const [filters, change] = useFilters();
  const key = `${queue} ${JSON.stringify(filters)}`;
  const [shown, setShown] = useState<Scanned>(nothing);
  /** What to read: from the beginning, or on from what is shown for the same filters. */
  const [request, setRequest] = useState<{ after?: { key: string; scanned: Scanned } }>({});
  const [isReading, setReading] = useState(false);
  const [error, setError] = useState<Error>();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [isHidden, toggleHidden] = useHiddenBodies();

  useEffect(() => {
    const reading = new AbortController();
    setReading(true);
    setError(undefined);
    const before = request.after?.key === key ? request.after.scanned : nothing;
    const onPage = (page: Scanned) => {
      if (reading.signal.aborted) return;
      const messages = [...before.messages, ...page.messages];
      setShown({ ...page, messages, examined: before.examined + page.examined });
    };
    scan(session, queue, filters, { cursor: before.cursor, want: pageSize, signal: reading.signal, onPage })
      .catch((problem) => !reading.signal.aborted && setError(problem))
      .finally(() => !reading.signal.aborted && setReading(false));
    return () => reading.abort();
  }, [key, request]);

  const restart = () => {
    setSelected(new Set());
    setRequest({});
    live.reloadNow();
  };

  return (
    <section aria-label="Messages">
      <MessageFilters filters={filters} change={change} hasState />
      <Problem error={error} />
      <p role="status" aria-busy={isReading}>
        {countText(shown.messages.length)} shown, {countText(shown.examined)} examined
        {isReading ? '…' : ''}
      </p>
      <div class="actions">
        <button type="button" class="secondary" onClick={restart}>
          Read again
        </button>
        <label>
          <input type="checkbox" checked={isHidden} onChange={toggleHidden} />
          Hide bodies
        </label>
        <BulkActions queue={queue} filters={filters} selected={selected} onDone={restart} />
      </div>
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">
                <input
                  type="checkbox"
                  aria-label="Select all shown"
                  checked={selected.size > 0 && selected.size === shown.messages.length}
                  onChange={() =>
                    setSelected(selected.size > 0 ? new Set() : new Set(shown.messages.map((message) => message.id)))
                  }
                />
              </th>
              <th scope="col">Id</th>
              <th scope="col">State</th>
              <th scope="col">Published</th>
              <th scope="col">Receives</th>
              <th scope="col">Body</th>
            </tr>
          </thead>
          <tbody>
            {shown.messages.map((message) => (
              <Row
                key={message.id}
                queue={queue}
                message={message}
                isHidden={isHidden}
                isSelected={selected.has(message.id)}
                onSelect={() => setSelected(toggled(selected, message.id))}
              />
            ))}
          </tbody>
        </table>
      </div>
      {shown.cursor !== undefined && !isReading && (
        <button type="button" class="secondary" onClick={() => setRequest({ after: { key, scanned: shown } })}>
          Show more messages
        </button>
      )}
    </section>
  );
}

interface RowProps {
  queue: string;
  message: Message;
  isHidden: boolean;
  isSelected: boolean;
  onSelect(): void;
}

function Row({ queue, message, isHidden, isSelected, onSelect }: RowProps) {
  const body = isHidden ? '' : bodyText(message);
  return (
    <tr>
      <td>
        <input type="checkbox" aria-label={`Select ${message.id}`} checked={isSelected} onChange={onSelect} />
      </td>
      <th scope="row">
        <Link href={`/queues/${queue}/messages/${encodeURIComponent(message.id)}`}>{message.id}</Link>
      </th>
      <td>
        {message.state}
        {message.deadLetter && <small> {message.deadLetter.reason}</small>}
      </td>
      <td title={instantText(message.publishedAt)}>{fromNow(message.publishedAt)}</td>
      <td>{message.receives}</td>
      <td>
        <code>{isHidden ? 'hidden' : body.slice(0, bodyCharsShown) + (body.length > bodyCharsShown ? '…' : '')}</code>
      </td>
    </tr>
  );
}

function toggled(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  return ids.has(id) ? new Set([...ids].filter((one) => one !== id)) : new Set([...ids, id]);
}
