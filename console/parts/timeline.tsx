/** What happened to a message: first what has a time, the oldest first. */
import type { LeaseRecord, Message } from '../../contract/contract.ts';
import { durationText } from '../../contract/duration-text.ts';
import { plural } from '../../contract/plural.ts';
import { fromNow, instantText } from '../state/format.ts';

type TimelineEvent = [at: string | undefined, text: string];

function eventsOf(message: Message): TimelineEvent[] {
  const { publishedAt, firstReceivedAt, errors = [], leases = [], lastFailure, deadLetter, endedAt, state, receives } = message;
  const dated: [at: string, text: string][] = [[publishedAt, 'published']];
  for (const lease of leases)
    dated.push([lease.receivedAt, leaseText(lease, lease === leases.at(-1) ? message.progress : undefined)]);
  for (const { at, message: text } of errors) {
    if (!leases.some((lease) => lease.endedAt === at && lease.failure === text)) dated.push([at, `failed: ${text}`]);
  }
  if (deadLetter) {
    const { queue, receives: before, reason, text } = deadLetter;
    const cause = text ? `${reason}, ${text}` : reason;
    dated.push([deadLetter.at, `died in ${queue} after ${before} ${plural(before, 'receive')}: ${cause}`]);
  }
  if (firstReceivedAt && !leases.some(({ receivedAt }) => receivedAt === firstReceivedAt)) {
    dated.push([firstReceivedAt, 'received for the first time']);
  }
  if (endedAt) dated.push([endedAt, state]);
  const others: string[] = [];
  if (errors.length === 0 && lastFailure) others.push(`last failure: ${lastFailure}`);
  const isCounted = receives > 1 || (receives === 1 && !firstReceivedAt);
  if (isCounted && receives > leases.length) others.push(`received ${receives} ${plural(receives, 'time')}`);
  if (state === 'leased')
    others.push(`leased: if it is not acked, it can be received again at ${instantText(message.visibleAt)}`);
  return [
    ...dated.toSorted(([a], [b]) => Date.parse(a) - Date.parse(b)),
    ...others.map((text): TimelineEvent => [undefined, text]),
  ];
}

function leaseText({ receivedAt, endedAt, outcome, failure }: LeaseRecord, progress: number | undefined): string {
  const held = endedAt && `held for ${durationText((Date.parse(endedAt) - Date.parse(receivedAt)) / 1000)}`;
  const done = progress === undefined ? undefined : `${Math.round(progress * 100)} % done`;
  const end = failure ? `${outcome}: ${failure}` : outcome;
  return ['received', held, done, end].filter((part) => part !== undefined).join(', ');
}

export function Timeline({ message }: { message: Message }) {
  return (
    <>
      <ol class="timeline">
        {eventsOf(message).map(([at, text], index) => (
          <li key={`${index} ${at} ${text}`}>
            {at && (
              <time dateTime={at} title={instantText(at)}>
                {fromNow(at)}
              </time>
            )}{' '}
            {text}
          </li>
        ))}
      </ol>
      {message.receives > 0 && !message.leases && (
        <small>
          Queues with the setting <code>keep</code> record each lease.
        </small>
      )}
    </>
  );
}
