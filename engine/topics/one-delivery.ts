/** One part of a publish to a topic: what it writes into one queue. */
import type { OffloadedBody } from '../leases/offloaded-bodies.ts';
import type { StoredContent } from '../model/content-codec.ts';
import type { Row, Write } from '../port/port.ts';

/** The row that refused a write. */
export type InTheWay = { row: Row | undefined } | undefined;

export interface Delivery {
  writes: readonly Write[];
  bodies: readonly OffloadedBody[];
  /** Content that nothing names once the writes are applied. */
  displaced?: readonly StoredContent[];
  /**
   * Decides again after a refusal. `inTheWay[i]` is what refused write i. `applied`: an earlier request of this publish was
   * applied, and with it the whole transaction. `nothing`: the queue has the message already.
   */
  again(inTheWay: readonly InTheWay[], sentAt: number): Promise<Delivery | 'applied' | 'nothing'>;
}

/** What is told of messages while they are delivered. */
export interface Told {
  /** The subscription's queue has a message of that id or key. */
  duplicate(index: number, queue: string): void;
  /** A message that waited under the key may have been changed. */
  changed(): void;
}
