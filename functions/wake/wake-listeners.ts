/** Wakes connections that listen for a queue, as many as it got messages. */
import type { WakeNotice } from '../../contract/wake.ts';
import type { ListenerRow, ListenerRows, OwnMessage } from './listener-rows.ts';

/** What became ready in a queue, or will. */
export interface Ready {
  incarnation: string;
  messages: number;
  /** How long until then, ms; 0: now. */
  inMs: number;
}

export interface WakeParts {
  rows: ListenerRows;
  /** Sends a notice. `gone`: the connection is closed. */
  post(connection: string, notice: WakeNotice): Promise<'sent' | 'gone'>;
  /** Whether the listener's key still gives access. */
  stillCounts(by: string): Promise<boolean>;
}

/** Listeners that one wake-up meets, at most: each may be a connection that is gone. */
const listenersMax = 1000;
const pageRows = 25;

/**
 * Wakes as many listeners as there are messages, so that an idle queue with many consumers does not have all of them receive for one. Removes
 * each row before it is woken, so two runs at the same time wake different listeners. What is not due yet is told without ending the
 * listen. Returns how many were told. Costs one read if no connection listens.
 */
export async function wakeListeners(
  { rows, post, stillCounts }: WakeParts,
  { incarnation, messages, inMs }: Ready,
): Promise<number> {
  async function tell({ connection, queue, by }: ListenerRow): Promise<boolean> {
    if (!(await stillCounts(by))) {
      await rows.remove(incarnation, connection);
      return false;
    }
    if (inMs === 0 && !(await rows.remove(incarnation, connection))) return false;
    if ((await post(connection, inMs === 0 ? { wake: queue } : { wake: queue, inMs })) === 'sent') return true;
    if (inMs > 0) await rows.remove(incarnation, connection);
    return false;
  }

  let [told, met] = [0, 0];
  for await (const page of rows.pages(incarnation, pageRows)) {
    for (let at = 0; at < page.length && told < messages && met < listenersMax; ) {
      const next = page.slice(at, at + messages - told);
      at += next.length;
      met += next.length;
      told += (await Promise.all(next.map(tell))).filter(Boolean).length;
    }
    if (told >= messages || met >= listenersMax) break;
  }
  return told;
}

/** Tells the connections that wait for the end of these messages. Returns how many were told. */
export async function tellEnds({ rows, post, stillCounts }: WakeParts, messages: readonly OwnMessage[]): Promise<number> {
  const unique = [...new Map(messages.map((message) => [`${message.incarnation}/${message.id}`, message])).values()];
  const told = (await rows.takeEnds(unique)).map(async ({ connection, queue, id, by }) => {
    return (await stillCounts(by)) && (await post(connection, { ended: queue, id })) === 'sent';
  });
  return (await Promise.all(told)).filter(Boolean).length;
}
