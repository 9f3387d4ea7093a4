/** A queue's settings, changed in place; pause, purge and delete. */
import { useState } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import type { Queue, QueueSettings } from '../../contract/contract.ts';
import { Confirm } from '../parts/dialog.tsx';
import { Form, textOf } from '../parts/form.tsx';
import { instantText } from '../state/format.ts';
import { changeQueue } from '../state/notices.ts';
import { useSession } from '../state/session.ts';

/** In the order of docs/reference.md. */
const settingNames = [
  'visibilityTimeoutSeconds',
  'delaySeconds',
  'retentionSeconds',
  'deadLetter',
  'backoff',
  'priority',
  'groups',
  'limits',
  'deduplication',
  'prepared',
  'keep',
  'idempotency',
] as const satisfies readonly (keyof QueueSettings)[];

export function SettingsTab({ queue, reload }: { queue: Queue; reload(): Promise<void> }) {
  const session = useSession();
  const { call, can, coversAll } = session;
  const [, navigate] = useLocation();
  const [asked, setAsked] = useState<'purge' | 'delete'>();
  const { name } = queue;
  /** The queue as an undo left it: the form shows its settings again. */
  const [restored, setRestored] = useState<Queue>();
  const formed = restored && restored.updatedAt > queue.updatedAt ? restored : queue;
  const mayChange = can('admin');
  const submit = async (fields: FormData) => {
    const changed = settingNames.flatMap((setting) => {
      const text = textOf(fields, setting);
      if (text === undefined || text === JSON.stringify(queue[setting])) return [];
      return [[setting, parsed(setting, text)]];
    });
    if (changed.length === 0) return 'Nothing was changed.';
    await changeQueue(
      session,
      queue,
      Object.fromEntries(changed),
      `Changed: ${changed.map(([setting]) => setting).join(', ')}.`,
      setRestored,
    );
    await reload();
    return undefined;
  };
  return (
    <section aria-label="Settings">
      <p>
        Created {instantText(queue.createdAt)}, changed {instantText(queue.updatedAt)}.{' '}
        {mayChange && coversAll && <Link href={`/audit?queue=${encodeURIComponent(name)}`}>Audit</Link>}
      </p>
      {mayChange && (
        <div class="actions">
          <button
            type="button"
            class="secondary"
            onClick={async () => {
              await changeQueue(session, queue, { paused: !queue.paused }, `${queue.paused ? 'Resumed' : 'Paused'} ${name}.`);
              await reload();
            }}
          >
            {queue.paused ? 'Resume' : 'Pause'}
          </button>
          <button type="button" class="danger" onClick={() => setAsked('purge')}>
            Purge
          </button>
          <button type="button" class="danger" onClick={() => setAsked('delete')}>
            Delete
          </button>
        </div>
      )}
      {mayChange ? (
        <Form key={restored?.updatedAt} button="Save settings" submit={submit}>
          <div class="fields">
            {settingNames.map((setting) => (
              <label key={setting}>
                {setting}
                <input name={setting} defaultValue={JSON.stringify(formed[setting])} spellcheck={false} />
              </label>
            ))}
          </div>
        </Form>
      ) : (
        <dl class="tiles">
          {settingNames.map((setting) => (
            <div key={setting}>
              <dt>{setting}</dt>
              <dd>{JSON.stringify(queue[setting])}</dd>
            </div>
          ))}
        </dl>
      )}
      {asked === 'purge' && (
        <Confirm
          title="Purge the queue"
          button="Purge"
          typed={name}
          onClose={() => setAsked(undefined)}
          run={() => call('purge', { queue: name })}
        >
          <p>All messages that were published before now are removed. This takes a few seconds.</p>
        </Confirm>
      )}
      {asked === 'delete' && (
        <Confirm
          title="Delete the queue"
          button="Delete"
          typed={name}
          onClose={() => setAsked(undefined)}
          run={async () => {
            await call('deleteQueue', { queue: name });
            navigate('/');
          }}
        >
          <p>The queue and all its messages are removed.</p>
        </Confirm>
      )}
    </section>
  );
}

function parsed(setting: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${setting}: must be JSON, such as 30, null, "acked" or {"doneSeconds": 60}`);
  }
}
