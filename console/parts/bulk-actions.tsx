/** Actions on the selected messages, or on all that match the filters. */
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { plural } from '../../contract/plural.ts';
import { type Filters, redriveAddress } from '../state/filters.ts';
import { countText } from '../state/format.ts';
import { scan } from '../state/scan.ts';
import { useSession } from '../state/session.ts';
import { Confirm } from './dialog.tsx';

/** Calls at a time. */
const width = 4;
const pageSize = 100;
/** Ids that one redrive takes. */
const redriveIdsMax = 100;

type Action = 'cancel' | 'redrive' | 'cancel all';
const titles: Record<Action, string> = {
  cancel: 'Cancel selected',
  'cancel all': 'Cancel all that match',
  redrive: 'Redrive selected',
};

interface BulkActionsProps {
  queue: string;
  filters: Filters;
  selected: ReadonlySet<string>;
  onDone(): void;
}

export function BulkActions({ queue, filters, selected, onDone }: BulkActionsProps) {
  const session = useSession();
  const [asked, setAsked] = useState<Action>();
  const [progress, setProgress] = useState<string>();
  const mayBeDead = filters.state === undefined || filters.state === 'dead';

  const cancel = async (ids: Iterable<string>) => {
    const left = [...ids];
    await Promise.all(
      Array.from({ length: width }, async () => {
        for (let id = left.pop(); id !== undefined; id = left.pop()) await session.call('cancelMessage', { queue, id });
      }),
    );
  };
  const cancelAll = async () => {
    let done = 0;
    let cursor: string | undefined;
    do {
      const found = await scan(session, queue, filters, { cursor, want: pageSize });
      await cancel(found.messages.map(({ id }) => id));
      done += found.messages.length;
      cursor = found.cursor;
      setProgress(`${countText(done)} done`);
    } while (cursor !== undefined);
    setProgress(undefined);
  };
  const redrive = async () => {
    const ids = [...selected];
    for (let at = 0; at < ids.length; at += redriveIdsMax) {
      await session.call('redrive', { queue }, { ids: ids.slice(at, at + redriveIdsMax) });
    }
  };
  const run = async (action: Action) => {
    if (action === 'redrive') await redrive();
    else if (action === 'cancel') await cancel(selected);
    else await cancelAll();
    onDone();
  };

  const button = (action: Action, isOff = false) => (
    <button type="button" class="secondary" disabled={isOff} onClick={() => setAsked(action)}>
      {titles[action]}
    </button>
  );
  return (
    <>
      {session.can('publish') && (
        <span class="actions">
          {button('cancel', selected.size === 0)}
          {button('cancel all')}
        </span>
      )}
      {session.can('admin') && (
        <span class="actions">
          {button('redrive', selected.size === 0)}
          {mayBeDead && <Link href={redriveAddress(queue, filters)}>Redrive all that match</Link>}
        </span>
      )}
      {asked && (
        <Confirm
          title={`${asked === 'redrive' ? 'Redrive' : 'Cancel'} messages`}
          button={asked === 'redrive' ? 'Redrive' : 'Cancel them'}
          {...(asked === 'cancel all' && { typed: queue })}
          onClose={() => setAsked(undefined)}
          run={() => run(asked)}
        >
          <p>
            {asked === 'cancel all'
              ? `Every message of ${queue} that matches the filters is cancelled.`
              : `This ${asked === 'cancel' ? 'cancels' : 'moves back'} ${countText(selected.size)} ${plural(selected.size, 'message')}.`}
          </p>
          {progress && <p role="status">{progress}</p>}
        </Confirm>
      )}
    </>
  );
}
