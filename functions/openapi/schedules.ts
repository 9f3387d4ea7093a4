/** What the OpenAPI document says of the operations on schedules. */
import type { ErrorCode } from '../../contract/errors.ts';

const nightly = {
  name: 'nightly-report',
  queue: 'reports',
  cron: '30 2 * * *',
  timeZone: 'Europe/Berlin',
  everySeconds: null,
  startAt: null,
  endAt: null,
  missed: 'one' as const,
  paused: false,
  message: { body: { report: 'sales' }, attributes: {} },
  nextAt: '2026-02-01T01:30:00.000Z',
  lastAt: '2026-01-31T01:30:00.000Z',
  lastError: null,
  createdAt: '2026-01-02T08:00:00.000Z',
  updatedAt: '2026-01-02T08:00:00.000Z',
};
const none: ErrorCode[] = [];
const ofSchedule: ErrorCode[] = ['schedule_not_found'];
const tag = 'schedules' as const;
const at = '2026-01-31T12:00:00.000Z';

export const scheduleTexts = {
  putSchedule: {
    tag,
    summary: 'Create or replace a schedule, which publishes a message at each of its ticks',
    description:
      'Either `cron` or `everySeconds`. Putting it again unchanged changes nothing; else what was not yet due of it is taken back. When its queue is deleted and made again, ticks that were not due by then go to the new queue, each once. The key must cover all queues (`*`), as for every operation of schedules.',
    input: { queue: nightly.queue, cron: nightly.cron, timeZone: nightly.timeZone, message: { body: nightly.message.body } },
    output: { ...nightly, lastAt: null },
    refusals: none,
  },
  getSchedule: { tag, summary: 'Read a schedule', output: nightly, refusals: ofSchedule },
  updateSchedule: {
    tag,
    summary: 'Change some of a schedule, pause it or resume it',
    description: 'What is left out stays. `cron` takes the place of `everySeconds`, and the other way round.',
    input: { paused: true },
    output: { ...nightly, paused: true, nextAt: null, updatedAt: at },
    refusals: ofSchedule,
  },
  deleteSchedule: {
    tag,
    summary: 'Delete a schedule',
    description: 'Messages that were due stay.',
    output: {},
    refusals: ofSchedule,
  },
  listSchedules: {
    tag,
    summary: 'List schedules by name',
    description: 'A page may be shorter than `limit` and still have a cursor.',
    output: { schedules: [nightly] },
    refusals: none,
  },
};
