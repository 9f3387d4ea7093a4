/** What happened in a queue in the last day: messages by step, and how long they waited and were handled. */
import { countText, durationText } from '../state/format.ts';
import { useLive } from '../state/live.ts';
import { useSession } from '../state/session.ts';
import { Chart } from './chart.tsx';

/** The time of one point. */
const stepMs = 600_000;
/** Processes report once a minute. */
const pauseMs = 60_000;

export function Throughput({ queue }: { queue: string }) {
  const { call } = useSession();
  const { value } = useLive(`stats ${queue}`, (signal) => call('queueStats', { queue }, {}, signal), pauseMs);
  const points = value?.points ?? [];
  const last = points.at(-1);
  if (!last) return null;
  const share = last.acked + last.failed === 0 ? undefined : last.failed / (last.acked + last.failed);
  const lastReceive = points.findLast(({ received, emptyReceives }) => received + emptyReceives > 0);
  const facts: [string, string | undefined][] = [
    ['last received from', lastReceive ? agoText(lastReceive.at) : 'not in the last day'],
    ['waited, half', last.waitingSeconds ? `≤ ${durationText(last.waitingSeconds.p50)}` : undefined],
    ['waited, 99 of 100', last.waitingSeconds ? `≤ ${durationText(last.waitingSeconds.p99)}` : undefined],
    ['handled, half', last.handlingSeconds ? `≤ ${durationText(last.handlingSeconds.p50)}` : undefined],
    ['handled, 99 of 100', last.handlingSeconds ? `≤ ${durationText(last.handlingSeconds.p99)}` : undefined],
    ['failed', share === undefined ? undefined : `${Math.round(share * 1000) / 10} %`],
    ['empty receives', countText(last.emptyReceives)],
  ];
  return (
    <section aria-label="Throughput">
      <Chart
        title="Messages in ten minutes, in the last day"
        times={points.map(({ at }) => Date.parse(at) / 1000)}
        series={[
          { label: 'published', color: '--ready', values: points.map(({ published }) => published) },
          { label: 'acked', color: '--leased', values: points.map(({ acked }) => acked) },
          { label: 'failed', color: '--dead', values: points.map(({ failed }) => failed) },
        ]}
      />
      <Chart
        title="Messages that waited at the end of ten minutes, in the last day"
        times={points.map(({ at }) => Date.parse(at) / 1000)}
        series={[{ label: 'waiting', color: '--ready', values: points.map(({ waiting }) => waiting ?? 0) }]}
      />
      <Chart
        title="Seconds that 95 of 100 messages waited, and were handled, in ten minutes"
        times={points.map(({ at }) => Date.parse(at) / 1000)}
        series={[
          { label: 'waited', color: '--ready', values: points.map(({ waitingSeconds }) => waitingSeconds?.p95 ?? null) },
          { label: 'handled', color: '--leased', values: points.map(({ handlingSeconds }) => handlingSeconds?.p95 ?? null) },
        ]}
      />
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
    </section>
  );
}

/** How long ago something happened at the latest, in the step that begins then. */
function agoText(at: string): string {
  const ms = Date.now() - Date.parse(at);
  return ms < 2 * stepMs ? 'in the last minutes' : `${durationText((ms - stepMs) / 1000)} ago`;
}
