import { describe, expect, it } from 'vitest';
import { DumbwaiterError } from '../../../contract/errors.ts';
import {
  idleMsMin,
  PollBackoff,
  refusedMsMax,
  refusedMsMin,
  retryMsMax,
  retryMsMin,
} from '../../../sdk/consumer/poll-backoff.ts';

const pace = (options: { waitSeconds?: number; random?: () => number } = {}) =>
  new PollBackoff({ waitSeconds: undefined, maxIdlePollSeconds: 5, maxListeningPollSeconds: 120, random: () => 1, ...options });

describe('the pace of a consumer', () => {
  it('a consumer polls again at once after messages', () => {
    expect(pace().answered(1, 3)).toBe(0);
  });

  it('a consumer pauses from 100 ms to 5 s instead of waiting at the server, unless the server says that waiting is cheap', () => {
    const idle = pace();
    const pauses = Array.from({ length: 8 }, () => {
      expect(idle.waitSeconds()).toBe(0);
      return idle.answered(0, 10);
    });
    expect(pauses).toEqual([90, 190, 390, 790, 1590, 3190, 4990, 4990]);
    idle.answered(1, 0);
    expect(idle.answered(0, 0)).toBe(idleMsMin);
  });

  it('a consumer lets the server hold its call while the server says that waiting is cheap, longer with each empty answer', () => {
    const idle = pace();
    expect(idle.waitSeconds()).toBe(0);
    idle.answered(1, 10, { waitIsCheap: true });
    const waits = Array.from({ length: 6 }, () => {
      const seconds = idle.waitSeconds();
      expect([idle.noticesDisconnect, idle.answered(0, seconds * 1000, { waitIsCheap: true })]).toEqual([true, 0]);
      return seconds;
    });
    expect(waits).toEqual([1, 2, 4, 8, 16, 20]);
    idle.answered(0, 20_000);
    expect([idle.waitSeconds(), idle.noticesDisconnect]).toEqual([0, false]);
  });

  it('a consumer waits at most as long as the caller says, longer with each empty answer and short again after a message', () => {
    const idle = pace({ waitSeconds: 20 });
    const waits = Array.from({ length: 7 }, () => {
      const seconds = idle.waitSeconds();
      expect(idle.answered(0, seconds * 1000)).toBe(0);
      return seconds;
    });
    expect(waits).toEqual([1, 2, 4, 8, 16, 20, 20]);
    idle.answered(1, 0);
    expect(idle.waitSeconds()).toBe(1);
  });

  it('a consumer never waits at the server if the caller forbids it, even where waiting is cheap', () => {
    const idle = pace({ waitSeconds: 0 });
    idle.answered(0, 0, { waitIsCheap: true });
    expect(idle.waitSeconds()).toBe(0);
  });

  it('a consumer that is told of the next message pauses two minutes, and begins with short pauses when it is woken', () => {
    const idle = pace();
    idle.answered(0, 0, { isWoken: true });
    expect(idle.answered(0, 0, { isWoken: true, isListening: true })).toBe(120_000);
    expect(idle.answered(0, 0, { isWoken: true })).toBe(400);
    idle.woken();
    expect(idle.answered(0, 0, { isWoken: true })).toBe(idleMsMin);
  });

  it('a consumer that can be woken does not wait at the server, even where waiting is cheap', () => {
    const idle = pace();
    idle.answered(0, 0, { waitIsCheap: true, isWoken: true });
    expect([idle.waitSeconds(), idle.noticesDisconnect]).toEqual([0, true]);
    idle.answered(1, 0, { waitIsCheap: true });
    expect(idle.waitSeconds()).toBe(0);
    expect(idle.answered(0, 1000, { waitIsCheap: true })).toBe(0);
    expect(idle.waitSeconds()).toBe(2);
  });

  it('a consumer pauses longer with each transient failure, half of it random, and starts over after an answer', () => {
    const random = pace({ random: () => 0 });
    expect(random.failed(new DumbwaiterError('unavailable', ''))).toBe(retryMsMin / 2);
    const failing = pace();
    const pauses = Array.from({ length: 8 }, () => failing.failed(new DumbwaiterError('unavailable', '')));
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((n) => n * retryMsMin));
    expect(pauses.at(-1)).toBe(retryMsMax);
    failing.answered(1, 0);
    expect(failing.failed(new TypeError('odd'))).toBe(retryMsMin);
  });

  it('a consumer pauses as long as the server asks', () => {
    expect(pace().failed(new DumbwaiterError('throttled', '', { retryAfterMs: 40_000 }))).toBe(40_000);
  });

  it('a consumer polls rarely when only a person can fix the error', () => {
    const refused = pace();
    const pauses = Array.from({ length: 4 }, () => refused.failed(new DumbwaiterError('queue_not_found', '')));
    expect(pauses).toEqual([refusedMsMin, 2 * refusedMsMin, 4 * refusedMsMin, refusedMsMax]);
  });
});
