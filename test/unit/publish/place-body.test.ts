import { describe, expect, it } from 'vitest';
import { retentionSecondsDefault } from '../../../contract/limits.ts';
import { lacksTtl } from '../../../engine/leases/lease-store.ts';
import { bodyTtl, isShared, outlastsShared, type StoredContent } from '../../../engine/model/content-codec.ts';
import { createSharedBodies } from '../../../engine/publish/place-body.ts';
import { start } from '../../support/context-in-memory.ts';
import { dayMs, daySeconds } from '../../support/durations.ts';
import { noise } from '../../support/noise.ts';

const large = noise(20_000);
const small = noise(2_000);
const room = 500;
let ids = 0;
const newId = () => `id${++ids}`;
const untilOf = (content: StoredContent) => (isShared(content) ? content.sharedUntil : undefined);

describe('the body of a publish into several queues', () => {
  it.each([
    ['large', large],
    ['small', small],
  ])('is one object for all rows in which the same text has no room: %s', (_, text) => {
    const place = createSharedBodies().placeBodyFor([60, retentionSecondsDefault], start);
    const first = place(text, room, newId, start + 60_000);
    const second = place(text, room - 1, newId, start + retentionSecondsDefault * 1000);
    expect(second).toBe(first);
    expect(first.chunks).toHaveLength(1);
    expect(untilOf(first.content)).toBe(first.ttl);
  });

  it('lies in each row that has room for it, as in any publish', () => {
    const place = createSharedBodies().placeBodyFor([60], start);
    expect(place('[[1]]', room, newId, start).content).toEqual({ text: '[[1]]' });
    const repeated = `[["${'x'.repeat(2_000)}"]]`;
    expect(place(repeated, 1, newId, start).content).toHaveProperty('sharedUntil');
    expect(place(repeated, room, newId, start).content).toHaveProperty('deflated');
  });

  it('has a TTL that suits the longest retention, and rows that are written within the next day', () => {
    const place = createSharedBodies().placeBodyFor([60, 100 * daySeconds, null], start);
    const first = place(large, room, newId, start + 60_000);
    expect(first.ttl!).toBeGreaterThanOrEqual(bodyTtl(start + 100 * dayMs) + daySeconds);
    expect(first.ttl!).toBeLessThanOrEqual(bodyTtl(start + 100 * dayMs) + 2 * daySeconds);
    expect(place(large, room, newId, start + 101 * dayMs)).toBe(first);
  });

  it('is another one for a row that needs a later TTL', () => {
    const shared = createSharedBodies();
    const first = shared.placeBodyFor([60], start)(large, room, newId, start + 60_000);
    const late = shared.placeBodyFor([900 * daySeconds], start);
    const second = late(large, room, newId, start + 900 * dayMs);
    expect(second.content).not.toEqual(first.content);
    expect(second.ttl!).toBeGreaterThanOrEqual(bodyTtl(start + 900 * dayMs));
    expect(shared.placeBodyFor([60], start)(large, room, newId, start + 60_000)).toBe(first);
  });

  it('is not shared by a row without retention', () => {
    const place = createSharedBodies().placeBodyFor([null], start);
    const [first, second] = [place(large, room, newId, undefined), place(large, room, newId, undefined)];
    expect(first).toMatchObject({ ttl: undefined });
    expect(isShared(first.content)).toBe(false);
    expect(first.content).not.toEqual(second.content);
  });
});

describe('shared content of a row', () => {
  const shared: StoredContent = { offloaded: 'body', chunks: 1, size: 9, sharedUntil: (start + 100 * dayMs) / 1000 };

  it('is never removed by the row, even without a retention', () => {
    expect(lacksTtl(shared, undefined)).toBe(false);
    expect(lacksTtl({ offloaded: 'body', chunks: 1, size: 9 }, undefined)).toBe(true);
  });

  it('must be copied for a need that comes near its end', () => {
    expect(outlastsShared(shared, start + 85 * dayMs)).toBe(false);
    expect(outlastsShared(shared, start + 85 * dayMs + 1)).toBe(true);
    expect(outlastsShared(shared, undefined)).toBe(true);
    expect(outlastsShared({ text: '' }, undefined)).toBe(false);
    expect(outlastsShared({ offloaded: 'body', chunks: 1, size: 9 }, undefined)).toBe(false);
  });
});
