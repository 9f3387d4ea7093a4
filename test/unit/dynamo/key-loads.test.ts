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

it('a key is hot if this process wrote to it a hundred times in one of the last two seconds', () => {
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

it('a key with ten writes a second is not hot, however long they continue', () => {
  const { write, isHot, advance } = loads();
  for (let passed = 0; passed < 125; passed++) {
    write(10, ...parcel);
    expect(isHot('s:1')).toBe(false);
    advance(secondMs);
  }
});

it("writes to rows of `leases` count for the shard of the row's new content, as for groups", () => {
  const { write, isHot } = loads();
  write(60, { table: 'leases', id: 'x' }, { put: { id: 'x', shard: 's:3' } });
  write(40, { table: 'leases', id: 'x' }, { set: [[['shard'], 's:3']] });
  write(200, { table: 'leases', id: 'x' }, { remove: true });
  expect(isHot('s:3')).toBe(true);
});
