import { describe, expect, it, vi } from 'vitest';
import { Emitter } from '../../../sdk/consumer/events.ts';

describe('an emitter', () => {
  it('an emitter calls each listener in order until the listener is removed', () => {
    const emitter = new Emitter<{ tick: number }>();
    const heard: string[] = [];
    const end = emitter.on('tick', (n) => heard.push(`first ${n}`));
    emitter.on('tick', (n) => heard.push(`second ${n}`));
    expect(emitter.emit('tick', 1)).toBe(true);
    end();
    emitter.emit('tick', 2);
    expect(heard).toEqual(['first 1', 'second 1', 'second 2']);
  });

  it('an emitter reports an event without listeners', () => {
    expect(new Emitter<{ tick: number }>().emit('tick', 1)).toBe(false);
  });

  it('an emitter isolates its listeners and prints on the console what a listener throws or rejects with', async () => {
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
