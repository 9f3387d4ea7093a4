/** Which key changed what lately, newest first. */
import { Link } from 'wouter-preact';
import type { AuditEntry, AuditInput } from '../../contract/contract.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { FilterInput } from '../parts/filter-input.tsx';
import { Problem } from '../parts/problem.tsx';
import { useAddress } from '../state/address.ts';
import { instantOf } from '../state/filters.ts';
import { fromNow, instantText } from '../state/format.ts';
import { useLive } from '../state/live.ts';
import { type Session, useSession } from '../state/session.ts';
import { firstPages } from './first-pages.ts';

const pageSize = 50;
/** Another filter is shown from its first page on. */
const resets = { queue: 'pages', key: 'pages', from: 'pages', until: 'pages' };
const filters: readonly [name: keyof typeof resets, title: string, type: string][] = [
  ['queue', 'Queue', 'search'],
  ['key', 'Id of the key', 'search'],
  ['from', 'From', 'datetime-local'],
  ['until', 'Until', 'datetime-local'],
];

export function AuditPage() {
  const session = useSession();
  const [search, change] = useAddress(resets);
  const pages = Number(search.get('pages') ?? 1);
  const { value, error } = useLive(`audit ${search}`, (signal) => list(session, inputOf(search), pages, signal));
  return (
    <>
      <h1>Audit</h1>
      <search class="filters">
        {filters.map(([name, title, type]) => (
          <FilterInput key={name} label={title} type={type} text={search.get(name) ?? ''} change={(text) => change(name, text)} />
        ))}
      </search>
      <Problem error={error} />
      {value && <Entries entries={value.items} />}
      {value?.items.length === 0 && <p>Nothing was changed{value.more ? ' in the part that was examined' : ''}.</p>}
      {value?.more && (
        <button type="button" class="secondary" onClick={() => change('pages', String(pages + 1))}>
          Show earlier changes
        </button>
      )}
    </>
  );
}

function inputOf(search: URLSearchParams): AuditInput {
  const input: Record<string, string> = {};
  for (const [name, , type] of filters) {
    const text = search.get(name);
    if (text) input[name] = type === 'search' ? text : instantOf(text);
  }
  return input;
}

function list({ call }: Session, input: AuditInput, pages: number, signal: AbortSignal) {
  const entries = pagesOf(
    { ...input, limit: pageSize },
    (page) => call('listAudit', {}, page, signal),
    ({ entries }) => entries,
  );
  return firstPages(entries, pages);
}

function Entries({ entries }: { entries: readonly AuditEntry[] }) {
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Key</th>
            <th scope="col">Did</th>
            <th scope="col">To</th>
            <th scope="col">With</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry, index) => (
            <tr key={index}>
              <td>
                <time dateTime={entry.at} title={instantText(entry.at)}>
                  {fromNow(entry.at)}
                </time>
              </td>
              <td>{entry.key.name === undefined ? entry.key.id : `${entry.key.name} (${entry.key.id})`}</td>
              <td>{entry.operation}</td>
              <td>
                <Subject params={entry.params} />
              </td>
              <td>
                {Object.entries(entry.input).map(([name, value]) => (
                  <code key={name}>{`${name}: ${value} `}</code>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What was changed, as a link where it has a page. */
function Subject({ params: { queue, topic, ...others } }: { params: AuditEntry['params'] }) {
  const rest = Object.values(others).join(' ');
  if (queue === undefined && topic === undefined) return rest;
  return (
    <>
      <Link href={queue === undefined ? `/topics/${topic}` : `/queues/${queue}`}>{queue ?? topic}</Link> {rest}
    </>
  );
}
