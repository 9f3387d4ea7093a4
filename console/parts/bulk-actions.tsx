/** Actions on the selected messages, or on all that match the filters. */
import { useState } from 'preact/hooks';
import { countText } from '../state/format.ts';
import { type Filters, scan } from '../state/scan.ts';
import { useSession } from '../state/session.ts';
import { Confirm } from './dialog.tsx';

/** Calls at a time. */
const width = 4;
const pageSize = 100;
/** Ids that one redrive takes. */
const redriveIdsMax = 100;

type Action = 'cancel' | 'redrive';
const titles: Record<Action, string> = { cancel: 'Cancel', redrive: 'Redrive' };

interface BulkActionsProps {
  queue: string;
  filters: Filters;
  selected: ReadonlySet<string>;
  onDone(): void;
}

export function BulkActions({ queue, filters, selected, onDone }: BulkActionsProps) {
  const session = useSession();
  const [asked, setAsked] = useState<{ action: Action; all: boolean }>();
  const [progress, setProgress] = useState<string>();
  const actions: Action[] = [
    ...(session.can('publish') ? (['cancel'] as const) : []),
    ...(session.can('admin') ? (['redrive'] as const) : []),
  ];

  const apply = async (action: Action, ids: readonly string[]) => {
    if (action === 'redrive') {
      for (let at = 0; at < ids.length; at += redriveIdsMax) {
        await session.call('redrive', { queue }, { ids: ids.slice(at, at + redriveIdsMax) });
      }
      return;
    }
    const left = [...ids];
    await Promise.all(
      Array.from({ length: width }, async () => {
        for (let id = left.pop(); id !== undefined; id = left.pop()) await session.call('cancelMessage', { queue, id });
      }),
    );
  };
  const run = async ({ action, all }: { action: Action; all: boolean }) => {
    if (!all) await apply(action, [...selected]);
    else {
      let done = 0;
      let cursor: string | undefined;
      const { signal } = new AbortController();
      do {
        const found = await scan(session, queue, filters, { cursor, want: pageSize, signal });
        await apply(
          action,
          found.messages.map(({ id }) => id),
        );
        done += found.messages.length;
        cursor = found.cursor;
        setProgress(`${countText(done)} done`);
      } while (cursor !== undefined);
    }
    setProgress(undefined);
    onDone();
  };

  return (
    <>
      {actions.map((action) => (
        <span key={action} class="actions">
          <button type="button" class="secondary" disabled={selected.size === 0} onClick={() => setAsked({ action, all: false })}>
            {titles[action]} selected
          </button>
          <button type="button" class="secondary" onClick={() => setAsked({ action, all: true })}>
            {titles[action]} all that match
          </button>
        </span>
      ))}
      {asked && (
        <Confirm
          title={`${titles[asked.action]} messages`}
          button={titles[asked.action]}
          {...(asked.all && { typed: queue })}
          onClose={() => setAsked(undefined)}
          run={() => run(asked)}
        >
          <p>
            {asked.all
              ? `Every message of ${queue} that matches the filters is read and ${asked.action === 'cancel' ? 'cancelled' : 'moved back'}.`
              : `${countText(selected.size)} messages are ${asked.action === 'cancel' ? 'cancelled' : 'moved back'}.`}
          </p>
          {progress && <p role="status">{progress}</p>}
        </Confirm>
      )}
    </>
  );
}
