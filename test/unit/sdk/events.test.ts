import { describe, expect, it, vi } from 'vitest';
import { Emitter } from '../../../sdk/consumer/events.ts';

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

  it('lets no listener hinder another, or end the process, and tells on the console what a listener throws or rejects with', async () => {
    const console = vi.spyOn(globalThis.console, 'error').mockImplementation(() => {});
    const emitter = new Emitter<{ tick: number }>();
    const heard: number[] = [];
    emitter.on('tick', () => {
      throw new Error('at once');
    });
    emitter.on('tick', () => Promise.reject(new Error('later')));
    emitter.on('tick', (n) => heard.push(n));
    emitter.emit('tick', 1);
    expect(heard).toEqual([1]);
    await vi.waitFor(() =>
      expect(console.mock.calls.map(([, error]) => error)).toEqual([new Error('at once'), new Error('later')]),
    );
    console.mockRestore();
  });
});
