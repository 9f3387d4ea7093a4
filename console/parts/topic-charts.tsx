/** What was published to a topic in the last day, and what subscriptions got of it. */
import { useLive } from '../state/live.ts';
import { useSession } from '../state/session.ts';
import { Chart } from './chart.tsx';
import { statsPauseMs } from './last-hour.tsx';

export function TopicCharts({ topic }: { topic: string }) {
  const { call } = useSession();
  const { value } = useLive(`topic stats ${topic}`, (signal) => call('topicStats', { topic }, {}, signal), statsPauseMs);
  const points = value?.points ?? [];
  if (points.length === 0) return null;
  const times = points.map(({ at }) => Date.parse(at) / 1000);
  return (
    <section aria-label="Charts" class="charts">
      <Chart
        title="Messages in ten minutes, in the last day"
        times={times}
        series={[
          { label: 'published', color: '--ready', values: points.map(({ published }) => published) },
          { label: 'copies delivered', color: '--leased', values: points.map(({ delivered }) => delivered) },
          { label: 'unmatched', color: '--dead', values: points.map(({ unmatched }) => unmatched) },
        ]}
      />
      {points.some(({ undelivered }) => undelivered) && (
        <Chart
          title="Publishes on their way to subscriptions at the end of ten minutes, in the last day"
          times={times}
          series={[{ label: 'on their way', color: '--ready', values: points.map(({ undelivered }) => undelivered ?? 0) }]}
        />
      )}
    </section>
  );
}
