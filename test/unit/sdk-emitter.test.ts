import { describe, expect, it, vi } from 'vitest';
import { Emitter } from '../../sdk/consumer-events.ts';

describe('an emitter', () => {
  it('calls each listener, in order, until it ends its listening', () => {
    const emitter = new Emitter<{ tick: number }>();
    const heard: string[] = [];
    const end = emitter.on('tick', (n) => heard.push(`first ${n}`));
    emitter.on('tick', (n) => heard.push(`second ${n}`));
    expect(emitter.emit('tick', 1)).toBe(true);
    end();
    emitter.emit('tick', 2);
    expect(heard).toEqual(['first 1', 'second 1', 'second 2']);
  });

  it('says when nobody listens', () => {
    expect(new Emitter<{ tick: number }>().emit('tick', 1)).toBe(false);
  });

  it('lets no listener hinder another, or what emits, and hands what it throws to the host', () => {
    const uncaught: (() => void)[] = [];
    const spy = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((act) => uncaught.push(act));
    const emitter = new Emitter<{ tick: number }>();
    const heard: number[] = [];
    emitter.on('tick', () => {
      throw new Error('listener');
    });
    emitter.on('tick', (n) => heard.push(n));
    emitter.emit('tick', 1);
    spy.mockRestore();
    expect(heard).toEqual([1]);
    expect(uncaught).toHaveLength(1);
    expect(uncaught[0]).toThrow('listener');
  });
});
