/** All schedules: when each ticks, in its own zone and here. */

import cronstrue from 'cronstrue';
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { durationText } from '../../contract/duration-text.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { Confirm } from '../parts/dialog.tsx';
import { NextTicks } from '../parts/next-ticks.tsx';
import { Problem } from '../parts/problem.tsx';
import { fromNow, instantIn, instantText } from '../state/format.ts';
import { useLive } from '../state/live.ts';
import { notify } from '../state/notices.ts';
import { useSession } from '../state/session.ts';

const pageSize = 100;

export function SchedulesPage() {
  const { call } = useSession();
  const [deleting, setDeleting] = useState<string>();
  const { value, error, reload } = useLive('schedules', (signal) =>
    pagesOf(
      { limit: pageSize },
      (page) => call('listSchedules', {}, page, signal),
      ({ schedules }) => schedules,
    ).all(),
  );
  return (
    <>
      <h1>Schedules</h1>
      <Problem error={error} />
      {value?.length === 0 && <p>No schedule yet.</p>}
      {value?.map((schedule) => (
        <article key={schedule.name}>
          <h2>
            {schedule.name} {schedule.paused && <mark>paused</mark>}
          </h2>
          <p>
            {schedule.cron === null ? `every ${durationText(schedule.everySeconds!)}` : <Cron text={schedule.cron} />} into{' '}
            <Link href={`/queues/${schedule.queue}`}>{schedule.queue}</Link>
          </p>
          {schedule.nextAt && (
            <p>
              Next {fromNow(schedule.nextAt)}: {instantText(schedule.nextAt)}
              {schedule.timeZone && <> ({instantIn(schedule.nextAt, schedule.timeZone)})</>}
            </p>
          )}
          {schedule.nextAt && <NextTicks schedule={schedule} />}
          {schedule.lastAt && <p>Last {fromNow(schedule.lastAt)}.</p>}
          {schedule.lastError && (
            <p role="alert">
              {fromNow(schedule.lastError.at)}: {schedule.lastError.message}
            </p>
          )}
          <div class="actions">
            <button
              type="button"
              class="secondary"
              onClick={async () => {
                const { name, paused } = schedule;
                await call('updateSchedule', { name }, { paused: !paused });
                notify({
                  text: `${paused ? 'Resumed' : 'Paused'} ${name}.`,
                  undo: () => call('updateSchedule', { name }, { paused }),
                });
                await reload();
              }}
            >
              {schedule.paused ? 'Resume' : 'Pause'}
            </button>
            <button
              type="button"
              class="secondary"
              onClick={async () => {
                const { results } = await call('publish', { queue: schedule.queue }, { messages: [schedule.message] });
                const [result] = results;
                notify({ text: result?.ok ? `Published ${result.id}.` : `Not published: ${result?.message}` });
              }}
            >
              Publish its message now
            </button>
            <button type="button" class="danger" onClick={() => setDeleting(schedule.name)}>
              Delete
            </button>
          </div>
        </article>
      ))}
      {deleting !== undefined && (
        <Confirm
          title="Delete the schedule"
          button="Delete"
          onClose={() => {
            setDeleting(undefined);
            void reload();
          }}
          run={() => call('deleteSchedule', { name: deleting })}
        >
          <p>{deleting} ticks no more. Messages that it published stay.</p>
        </Confirm>
      )}
    </>
  );
}

/** A cron expression, and what it says in words, where there are words for it. */
function Cron({ text }: { text: string }) {
  return (
    <>
      <code>{text}</code>
      {wordsOf(text)}
    </>
  );
}

function wordsOf(cron: string): string {
  try {
    return ` (${cronstrue.toString(cron, { use24HourTimeFormat: true })})`;
  } catch {
    return '';
  }
}
