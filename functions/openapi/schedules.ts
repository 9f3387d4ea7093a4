/** The OpenAPI texts of the operations on schedules. */
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
      'Give either `cron` or `everySeconds`. Putting an unchanged schedule again has no effect. A change withdraws the messages of ticks that are not due yet. If its queue is deleted and created again, the ticks that were not due by then go to the new queue, each once. The key must cover all queues (`*`), as for every operation on schedules.',
    input: { queue: nightly.queue, cron: nightly.cron, timeZone: nightly.timeZone, message: { body: nightly.message.body } },
    output: { ...nightly, lastAt: null },
    refusals: none,
  },
  getSchedule: {
    tag,
    summary: 'Read a schedule, with its next ticks',
    output: { ...nightly, nextTicks: ['2026-02-01T01:30:00.000Z', '2026-02-02T01:30:00.000Z'] },
    refusals: ofSchedule,
  },
  updateSchedule: {
    tag,
    summary: 'Change some fields of a schedule, or pause or resume it',
    description: 'Fields left out keep their values. `cron` replaces `everySeconds`, and `everySeconds` replaces `cron`.',
    input: { paused: true },
    output: { ...nightly, paused: true, nextAt: null, updatedAt: at },
    refusals: ofSchedule,
  },
  deleteSchedule: {
    tag,
    summary: 'Delete a schedule',
    description: 'Messages that are already due stay in their queue.',
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
