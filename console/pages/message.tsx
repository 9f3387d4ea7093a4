/** One message: what happened to it so far, its content, and what can be done with it. */
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { Message } from '../../contract/contract.ts';
import { Confirm } from '../parts/dialog.tsx';
import { EditMessage } from '../parts/edit-message.tsx';
import { JsonView } from '../parts/json-view.tsx';
import { Problem } from '../parts/problem.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { instantText } from '../state/format.ts';
import { useHiddenBodies } from '../state/hidden-bodies.ts';
import { useLive } from '../state/live.ts';
import { bodyText, textOfJson } from '../state/scan.ts';
import { useSession } from '../state/session.ts';

const waits = new Set<Message['state']>(['ready', 'delayed', 'prepared', 'dead']);

export function MessagePage({ queue, id }: { queue: string; id: string }) {
  const { call, can } = useSession();
  const { value, error, reload } = useLive(`message ${queue} ${id}`, (signal) => call('getMessage', { queue, id }, {}, signal));
  const [isShown, setShown] = useState(false);
  const isHidden = useHiddenBodies()[0] && !isShown;
  const [asked, setAsked] = useState<'edit' | 'cancel' | 'release' | 'force' | 'redrive'>();
  const close = () => {
    setAsked(undefined);
    void reload();
  };
  return (
    <>
      <nav aria-label="Breadcrumb">
        <ul>
          <li>
            <Link href={`/queues/${queue}`}>{queue}</Link>
          </li>
          <li>{id}</li>
        </ul>
      </nav>
      <h1 class="id">{id}</h1>
      <Problem error={error} />
      {value && (
        <>
          <Facts message={value} />
          <div class="actions">
            {can('publish') && waits.has(value.state) && (
              <>
                <button type="button" onClick={() => setAsked('edit')}>
                  Edit, postpone or reprioritise
                </button>
                <button type="button" class="secondary" onClick={() => setAsked('cancel')}>
                  Cancel
                </button>
              </>
            )}
            {can('publish') && value.state === 'leased' && (
              <>
                <button type="button" class="secondary" onClick={() => setAsked('release')}>
                  Release
                </button>
                <button type="button" class="secondary" onClick={() => setAsked('force')}>
                  End by force
                </button>
              </>
            )}
            {can('admin') && value.deadLetter && (
              <button type="button" class="secondary" onClick={() => setAsked('redrive')}>
                Redrive
              </button>
            )}
          </div>
          <h2>What happened</h2>
          <Timeline message={value} />
          <h2>Body</h2>
          {isHidden ? (
            <button type="button" class="secondary" onClick={() => setShown(true)}>
              Show the body
            </button>
          ) : (
            <JsonView key={bodyText(value)} label="Body" text={bodyText(value)} />
          )}
          <h2>Attributes</h2>
          <JsonView label="Attributes" text={textOfJson(value.attributes) ?? '{}'} />
          {value.result !== undefined && (
            <>
              <h2>Result</h2>
              <JsonView label="Result" text={textOfJson(value.result) ?? ''} />
            </>
          )}
          {asked === 'edit' && <EditMessage queue={queue} message={value} onClose={close} />}
          {(asked === 'cancel' || asked === 'force') && (
            <Confirm
              title={asked === 'force' ? 'End the message by force' : 'Cancel the message'}
              button={asked === 'force' ? 'End it' : 'Cancel it'}
              onClose={close}
              run={() => call('cancelMessage', { queue, id }, { force: asked === 'force' })}
            >
              <p>
                {asked === 'force'
                  ? 'The receiver that holds the message loses its lease. What it has done so far stays done.'
                  : 'No receive returns the message any more.'}
              </p>
            </Confirm>
          )}
          {asked === 'release' && (
            <Confirm
              title="Release the message"
              button="Release it"
              onClose={close}
              run={() => call('releaseMessage', { queue, id }, { receives: value.receives })}
            >
              <p>The receiver that holds the message loses its lease, and the message can be received again at once.</p>
            </Confirm>
          )}
          {asked === 'redrive' && (
            <Confirm
              title="Redrive the message"
              button="Redrive"
              onClose={close}
              run={() => call('redrive', { queue }, { ids: [id] })}
            >
              <p>The message returns to {value.deadLetter?.queue}, where it died, and is received there again.</p>
            </Confirm>
          )}
        </>
      )}
    </>
  );
}

function Facts({ message }: { message: Message }) {
  const facts: [string, string | number | undefined][] = [
    ['State', message.state],
    ['Receives', message.receives],
    ['Failures', message.failures],
    ['Priority', message.priority],
    ['Group', message.group],
    ['Progress', message.progress === undefined ? undefined : `${Math.round(message.progress * 100)} %`],
    ['Can be received', message.endedAt ? undefined : instantText(message.visibleAt)],
    ['Retention ends', message.expiresAt === null ? 'never' : instantText(message.expiresAt)],
    ['Kept until', message.keptUntil && instantText(message.keptUntil)],
  ];
  return (
    <dl class="tiles">
      {facts.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
