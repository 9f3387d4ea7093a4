import { expect, it } from 'vitest';
import { settingsDefaults } from '../../../contract/settings-defaults.ts';
import { verdictOf, verdictOfAge } from '../../../engine/lifecycle/verdicts.ts';
import type { QueueRecord } from '../../../engine/model/queue-record.ts';
import type { LeaseRow, Slot } from '../../../engine/model/rows.ts';

const now = 1_800_000_000_000;
const plain = { ...settingsDefaults, name: 'q', purgedBefore: 0 } as QueueRecord;
const dying: QueueRecord = { ...plain, deadLetter: { queue: 'dead', maxReceives: 3 } };
const ready: Slot = { visibleAt: now, receives: 0, failures: 0 };

function verdict(queue: QueueRecord, slot: Partial<Slot> = {}, lease: Partial<LeaseRow> = {}) {
  const whole = { since: now - 10, ...lease } as LeaseRow;
  return verdictOf(queue, whole, { ...ready, ...slot }, now);
}

it('a message is held until its instant comes', () => {
  expect([-1, 0, 1].map((ms) => verdict(plain, { visibleAt: now + ms }))).toEqual(['ready', 'ready', 'waiting']);
});

it('a message that has ended needs nothing, whatever its age', () => {
  expect(verdict(plain, { end: 'done' }, { retentionEnd: now - 1 })).toBe('ended');
  expect(verdict(dying, { end: 'moved', visibleAt: now + 1 })).toBe('ended');
});

it('a message goes to the dead-letter queue once its receives are used up', () => {
  expect([2, 3, 4].map((receives) => verdict(dying, { receives }))).toEqual([
    'ready',
    { reason: 'max_receives' },
    { reason: 'max_receives' },
  ]);
  expect(verdict(plain, { receives: 4 })).toBe('ready');
});

it('a message past its retention expires even if its receives are used up', () => {
  expect(verdict(dying, { receives: 4 }, { retentionEnd: now })).toEqual({ reason: 'expired' });
  expect(verdict({ ...dying, purgedBefore: now }, { receives: 4 })).toBe('gone');
});

it('a leased message is held although its retention is over', () => {
  expect(verdict(plain, { visibleAt: now + 1 }, { retentionEnd: now })).toBe('waiting');
});

it('a message past its retention is gone, or dead where a dead-letter queue exists', () => {
  const at = (queue: QueueRecord, retentionEnd: number | undefined) => verdictOfAge(queue, now - 10, retentionEnd, now);
  expect([undefined, now + 1, now, now - 1].map((retentionEnd) => at(plain, retentionEnd))).toEqual([
    'ready',
    'ready',
    'gone',
    'gone',
  ]);
  expect([undefined, now + 1, now].map((retentionEnd) => at(dying, retentionEnd))).toEqual([
    'ready',
    'ready',
    { reason: 'expired' },
  ]);
});

it('a purge removes messages that entered before it and none that entered with it or later', () => {
  const purged = { ...dying, purgedBefore: now - 10 };
  const since = (ms: number) => verdictOfAge(purged, now - 10 + ms, now, now);
  expect([since(-1), since(0), since(1)]).toEqual(['gone', { reason: 'expired' }, { reason: 'expired' }]);
});
