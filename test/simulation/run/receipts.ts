/** The receipts of a process: those that it holds, and some that it has already used. */
import type { ReceivedMessage } from '../../../contract/contract.ts';
import type { Drawing } from '../plan/drawing.ts';
import type { Choice } from '../plan/plan.ts';

interface Held {
  queue: string;
  message: ReceivedMessage;
}

export interface Receipts {
  hold(queue: string, message: ReceivedMessage): void;
  /** Calls `use` with the chosen receipts of each queue. They then count as used unless `keep` is set. */
  use(
    which: Choice,
    use: (queue: string, receipts: string[], messages: readonly ReceivedMessage[]) => Promise<unknown>,
    keep?: boolean,
  ): Promise<void>;
}

const usedMax = 30;

export function createReceipts({ chance, any, some }: Drawing): Receipts {
  const held: Held[] = [];
  const used: Held[] = [];

  function chosen(which: Choice): Held[] {
    if (which === 'all') return [...held];
    if (which === 'one') return held.length > 0 ? [any(held)!] : [];
    if (which === 'some') return [...some(held), ...(chance(0.2) ? some(used).slice(0, 2) : [])];
    return [...some(used), ...(chance(0.3) ? some(held) : [])];
  }

  return {
    hold(queue, message) {
      const isHeld = held.some((one) => one.message.receipt === message.receipt);
      if (!isHeld) held.push({ queue, message });
    },
    async use(which, use, keep = false) {
      const byQueue = Map.groupBy(chosen(which), ({ queue }) => queue);
      if (!keep) {
        for (const each of [...byQueue.values()].flat()) {
          if (held.includes(each)) held.splice(held.indexOf(each), 1);
          else if (used.includes(each)) used.splice(used.indexOf(each), 1);
          used.push(each);
        }
        used.splice(0, used.length - usedMax);
      }
      for (const [queue, given] of byQueue) {
        const messages = given.map(({ message }) => message);
        const receipts = messages.map(({ receipt }) => receipt);
        await use(queue, chance(0.05) ? [...receipts, receipts[0]!] : receipts, messages);
      }
    },
  };
}
