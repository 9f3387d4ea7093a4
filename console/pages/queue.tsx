/** One queue: its depth over time, and a tab for each kind of work with it. */
import { Link } from 'wouter-preact';
import { Chart } from '../parts/chart.tsx';
import { Problem } from '../parts/problem.tsx';
import { Throughput } from '../parts/throughput.tsx';
import { countText, durationText } from '../state/format.ts';
import { historyOf, remember } from '../state/history.ts';
import { useLive } from '../state/live.ts';
import { useSession } from '../state/session.ts';
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
    ['messages', 'Messages', can('receive')],
    ['publish', 'Publish', can('publish')],
    ['redrive', 'Redrive', can('admin')],
    ['targets', 'Targets', can('admin')],
    ['settings', 'Settings', true],
  ];
  const shown = tabs.filter(([, , isShown]) => isShown);
  const current = shown.some(([name]) => name === tab) ? tab : shown[0]![0];
  const points = historyOf(queue);
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
          <Chart
            title="Messages by state, since this page was opened"
            times={points.map(({ at }) => at)}
            series={[
              { label: 'ready', color: '--ready', values: points.map(({ counts }) => counts.ready) },
              { label: 'leased', color: '--leased', values: points.map(({ counts }) => counts.leased) },
              { label: 'dead', color: '--dead', values: points.map(({ counts }) => counts.dead) },
            ]}
          />
          <Throughput queue={queue} />
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
