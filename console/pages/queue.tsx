/** One queue: its depth, and a tab for each kind of work with it. */
import { Link } from 'wouter-preact';
import { durationText } from '../../contract/duration-text.ts';
import { Problem } from '../parts/problem.tsx';
import { countText } from '../state/format.ts';
import { remember } from '../state/history.ts';
import { useLive } from '../state/live.ts';
import { useSession } from '../state/session.ts';
import { ChartsTab } from './charts.tsx';
import { MessagesTab } from './messages.tsx';
import { PublishTab } from './publish.tsx';
import { RedriveTab } from './redrive.tsx';
import { SettingsTab } from './settings.tsx';
import { TargetsTab } from './targets.tsx';

export function QueuePage({ queue, tab }: { queue: string; tab: string }) {
  const { call, can } = useSession();
  const { value, error, reload } = useLive(`queue ${queue}`, async (signal) => {
    const read = await call('getQueue', { queue }, {}, signal);
    remember(queue, read.counts);
    return read;
  });
  const tabs: [name: string, title: string, shown: boolean][] = [
    ['charts', 'Charts', true],
    ['messages', 'Messages', can('read')],
    ['publish', 'Publish', can('publish')],
    ['redrive', 'Redrive', can('admin')],
    ['targets', 'Targets', can('admin')],
    ['settings', 'Settings', true],
  ];
  const shown = tabs.filter(([, , isShown]) => isShown);
  const current = shown.some(([name]) => name === tab) ? tab : shown[0]![0];
  return (
    <>
      <div class="title">
        <h1>{queue}</h1>
        {value?.paused && <mark>paused</mark>}
      </div>
      <Problem error={error} />
      {value && (
        <>
          <dl class="tiles">
            {(['ready', 'delayed', 'leased', 'dead', 'prepared'] as const).map((state) => (
              <div key={state}>
                <dt>{state}</dt>
                <dd>{countText(value.counts[state], value.counts)}</dd>
              </div>
            ))}
            <div>
              <dt>oldest</dt>
              <dd>{value.counts.oldestAgeSeconds === null ? '–' : durationText(value.counts.oldestAgeSeconds)}</dd>
            </div>
          </dl>
          <nav aria-label="Queue">
            <ul class="tabs">
              {shown.map(([name, title]) => (
                <li key={name}>
                  <Link href={`/queues/${queue}/${name}`} aria-current={name === current ? 'page' : undefined}>
                    {title}
                  </Link>
                </li>
              ))}
            </ul>
          </nav>
          {current === 'charts' && <ChartsTab queue={queue} />}
          {current === 'messages' && <MessagesTab queue={queue} />}
          {current === 'publish' && <PublishTab queue={value} />}
          {current === 'redrive' && <RedriveTab queue={queue} />}
          {current === 'targets' && <TargetsTab queue={queue} />}
          {current === 'settings' && <SettingsTab queue={value} reload={reload} />}
        </>
      )}
    </>
  );
}
