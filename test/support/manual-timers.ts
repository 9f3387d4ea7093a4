import type { Timers } from '../../sdk/calls/timers.ts';

interface Alarm {
  at: number;
  act: () => void;
}

/** Timers that fire only when a test advances them. Turns of the event loop are real. */
export class ManualTimers implements Timers {
  #now = Date.parse('2030-01-01T00:00:00Z');
  readonly #alarms = new Set<Alarm>();
  /** What `random` returns. */
  chance = 0.5;

  now = () => this.#now;
  random = () => this.chance;

  after(ms: number, act: () => void): () => void {
    const alarm = { at: this.#now + ms, act };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  nextTurn(act: () => void): () => void {
    const handle = setImmediate(act);
    return () => clearImmediate(handle);
  }

  /** The time until each alarm fires, soonest first. */
  get pendingMs(): number[] {
    return [...this.#alarms].map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Time passes as if the event loop were blocked: alarms that fall due fire at the next `advance`. */
  stall(ms: number): void {
    this.#now += ms;
  }

  /** Lets `ms` pass. Alarms fire in order, each at its time, with a turn of the event loop after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#alarms].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#alarms.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.act();
      if (![...this.#alarms].some(({ at }) => at <= this.#now)) await turn();
    }
    this.#now = end;
    await turn();
  }
}

/** The next turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
