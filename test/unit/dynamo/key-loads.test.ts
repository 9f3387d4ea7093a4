import { expect, it } from 'vitest';
import { createKeyLoads } from '../../../engine/dynamo/key-loads.ts';
import type { Change, Key } from '../../../engine/port/port.ts';
import { secondMs } from '../../support/durations.ts';

function loads() {
  let now = 0;
  const created = createKeyLoads(() => now);
  return {
    ...created,
    advance: (ms: number) => {
      now += ms;
    },
    write: (times: number, key: Key, then: Change) => {
      for (let time = 0; time < times; time++) created.note({ key, then });
    },
  };
}

const parcel: [Key, Change] = [{ table: 'messages', shard: 's:1', id: 'a' }, { put: { shard: 's:1', id: 'a' } }];

it('takes a key for hot that had a hundred writes of this process in one of the last two seconds', () => {
  const { write, isHot, advance } = loads();
  write(99, ...parcel);
  expect(isHot('s:1')).toBe(false);
  write(1, ...parcel);
  expect(isHot('s:1')).toBe(true);
  expect(isHot('s:2')).toBe(false);
  advance(secondMs);
  expect(isHot('s:1')).toBe(true);
  advance(secondMs);
  expect(isHot('s:1')).toBe(false);
});

it('does not take ten writes a second for a load, however long they last', () => {
  const { write, isHot, advance } = loads();
  for (let passed = 0; passed < 125; passed++) {
    write(10, ...parcel);
    expect(isHot('s:1')).toBe(false);
    advance(secondMs);
  }
});

it('counts rows of `leases` by the shard that they are put or set into, as groups are', () => {
  const { write, isHot } = loads();
  write(60, { table: 'leases', id: 'x' }, { put: { id: 'x', shard: 's:3' } });
  write(40, { table: 'leases', id: 'x' }, { set: [[['shard'], 's:3']] });
  write(200, { table: 'leases', id: 'x' }, { remove: true });
  expect(isHot('s:3')).toBe(true);
});
