/** The charts of a queue: its depth since the page was opened, and the flow and times of the last day. */
import type { QueueStatsPoint } from '../../contract/contract.ts';
import { durationText } from '../../contract/duration-text.ts';
import { statsStepSeconds } from '../../contract/limits.ts';
import { Chart } from '../parts/chart.tsx';
import { statsPauseMs } from '../parts/last-hour.tsx';
import { Problem } from '../parts/problem.tsx';
import { countText } from '../state/format.ts';
import { historyOf } from '../state/history.ts';
import { useLive } from '../state/live.ts';
import { useSession } from '../state/session.ts';

const stepMs = statsStepSeconds * 1000;

export function ChartsTab({ queue }: { queue: string }) {
  const { call } = useSession();
  const { value, error } = useLive(`stats ${queue}`, (signal) => call('queueStats', { queue }, {}, signal), statsPauseMs);
  const depths = historyOf(queue);
  const points = value?.points ?? [];
  return (
    <section aria-label="Charts">
      <Problem error={error} />
      {value && points.length === 0 && (
        <p>In the last day, nothing happened here. What happens is shown within minutes, in steps of ten minutes.</p>
      )}
      {points.length > 0 && <Facts points={points} />}
      <div class="charts">
        <Chart
          title="Messages by state, since this page was opened"
          times={depths.map(({ at }) => at)}
          series={[
            { label: 'ready', color: '--ready', values: depths.map(({ counts }) => counts.ready) },
            { label: 'leased', color: '--leased', values: depths.map(({ counts }) => counts.leased) },
            { label: 'dead', color: '--dead', values: depths.map(({ counts }) => counts.dead) },
          ]}
        />
        {points.length > 0 && <LastDay points={points} />}
      </div>
    </section>
  );
}

function LastDay({ points }: { points: readonly QueueStatsPoint[] }) {
  const times = points.map(({ at }) => Date.parse(at) / 1000);
  return (
    <>
      <Chart
        title="Messages in ten minutes, in the last day"
        times={times}
        series={[
          { label: 'published', color: '--ready', values: points.map(({ published }) => published) },
          { label: 'acked', color: '--leased', values: points.map(({ acked }) => acked) },
          { label: 'failed', color: '--dead', values: points.map(({ failed }) => failed) },
        ]}
      />
      <Chart
        title="Messages that waited at the end of ten minutes, in the last day"
        times={times}
        series={[{ label: 'waiting', color: '--ready', values: points.map(({ waiting }) => waiting ?? 0) }]}
      />
      <Chart
        title="Failed, of 100 messages that were handled in ten minutes"
        times={times}
        series={[{ label: 'failed, %', color: '--dead', values: points.map(failedPercent) }]}
      />
      <Chart
        title="Seconds from publish to receive: half of the messages, and 95 and 99 of 100"
        times={times}
        series={percentiles(points.map(({ waitingSeconds }) => waitingSeconds))}
      />
      <Chart
        title="Seconds from receive to ack: half of the messages, and 95 and 99 of 100"
        times={times}
        series={percentiles(points.map(({ handlingSeconds }) => handlingSeconds))}
      />
    </>
  );
}

function percentiles(times: readonly QueueStatsPoint['waitingSeconds'][]) {
  return [
    { label: 'half', color: '--ready', values: times.map((time) => time?.p50 ?? null) },
    { label: '95', color: '--leased', values: times.map((time) => time?.p95 ?? null) },
    { label: '99', color: '--dead', values: times.map((time) => time?.p99 ?? null) },
  ];
}

function failedPercent({ acked, failed }: QueueStatsPoint): number | null {
  return acked + failed === 0 ? null : Math.round((failed / (acked + failed)) * 1000) / 10;
}

/** The latest step in numbers. */
function Facts({ points }: { points: readonly QueueStatsPoint[] }) {
  const last = points.at(-1)!;
  const lastReceive = points.findLast(({ received, emptyReceives }) => received + emptyReceives > 0);
  const percent = failedPercent(last);
  const facts: [string, string | undefined][] = [
    ['last received from', lastReceive ? agoText(lastReceive.at) : 'not in the last day'],
    ['waited, half', last.waitingSeconds ? `≤ ${durationText(last.waitingSeconds.p50)}` : undefined],
    ['waited, 99 of 100', last.waitingSeconds ? `≤ ${durationText(last.waitingSeconds.p99)}` : undefined],
    ['handled, half', last.handlingSeconds ? `≤ ${durationText(last.handlingSeconds.p50)}` : undefined],
    ['handled, 99 of 100', last.handlingSeconds ? `≤ ${durationText(last.handlingSeconds.p99)}` : undefined],
    ['failed', percent === null ? undefined : `${percent} %`],
    ['empty receives', countText(last.emptyReceives)],
  ];
  return (
    <dl class="tiles">
      {facts.map(([name, text]) =>
        text === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

/** How long ago something happened at the latest, in the step that begins then. */
function agoText(at: string): string {
  const ms = Date.now() - Date.parse(at);
  return ms < 2 * stepMs ? 'in the last minutes' : `${durationText((ms - stepMs) / 1000)} ago`;
}
