import { describe, expect, it } from 'vitest';
import { delaySecondsMax } from '../../../contract/limits.ts';
import { pendingOf, shareable } from '../../../engine/publish/parcels.ts';
import { queueOf, start } from '../../support/context-in-memory.ts';
import { instant } from '../../support/durations.ts';

describe('an entry of a publish against the settings of its queue', () => {
  it('an entry without a time has the delay of its queue, and an own time replaces it', () => {
    const queue = queueOf({ delaySeconds: 7 });
    const timingOf = (more: object) => pendingOf(queue, { body: 1, ...more }, 0, start);
    expect(timingOf({})).toMatchObject({ timing: { delayMs: 7_000 } });
    expect(timingOf({ delaySeconds: 0 })).toMatchObject({ timing: { delayMs: 0 } });
    expect(timingOf({ deliverAt: instant(start) })).toMatchObject({ timing: { at: start } });
  });

  it.each([
    ['priority', { priority: 1 }, {}, 'priority: must be at most 0'],
    ['priority', { priority: 3 }, { priority: { levels: 3, order: 'strict' } }, 'priority: must be at most 2'],
    ['deliverAt', { deliverAt: instant(start + delaySecondsMax * 1000 + 1) }, {}, 'deliverAt: must be at most'],
    ['dedupKey', { dedupKey: 'k' }, {}, 'dedupKey: the queue "q" has no setting "deduplication"'],
    ['prepared', { prepared: true }, {}, 'prepared: the queue "q" has no setting "prepared"'],
    [
      'dedupKey of a group without a window',
      { group: 'g', dedupKey: 'k' },
      { deduplication: { windowSeconds: null, onDuplicate: 'ignore' } },
      'dedupKey: in a group, the queue "q" must have the setting "deduplication.windowSeconds"',
    ],
    [
      'dedupKey of a group that would replace',
      { group: 'g', dedupKey: 'k' },
      { deduplication: { windowSeconds: 5, onDuplicate: 'debounce' } },
      'dedupKey: in a group, the queue "q" must have "deduplication.onDuplicate" ignore, was debounce',
    ],
  ] as const)('an entry that its queue does not allow is refused with the field %s', (_, entry, settings, message) => {
    const refused = pendingOf(queueOf(settings as object), { body: 1, ...entry }, 4, start);
    expect(refused).toEqual({ ok: false, code: 'invalid_input', message: expect.stringContaining(`messages[4].${message}`) });
  });

  it('messages share rows only if their time and their priority are the same', () => {
    const queue = queueOf({ priority: { levels: 2, order: 'strict' } as never });
    const entries = [{}, { delaySeconds: 1 }, { priority: 1 }, { delaySeconds: 1 }, { priority: 1, delaySeconds: 1 }, {}];
    const pending = entries.map((more, index) => pendingOf(queue, { body: 1, ...more }, index, start));
    const lists = shareable(pending.flatMap((one) => ('ok' in one ? [] : [one])));
    expect(lists.map((list) => list.map(({ index }) => index))).toEqual([[0, 5], [1, 3], [2], [4]]);
  });
});
