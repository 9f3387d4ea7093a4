/**
 * The queue as a user understands it: a list of messages with a state, without rows, parcels or tombstones. What the model leaves open, such
 * as which ready messages come and in which order, the test takes from the answers and checks that the model allows it.
 */
import type { DeathReason, MessageState } from '../../contract/contract.ts';
import { tombstoneMs } from '../../contract/limits.ts';

export interface ModelQueue {
  name: string;
  visibilityTimeoutMs: number;
  retentionMs: number | null;
  deadLetter: { queue: ModelQueue; maxReceives: number } | null;
  backoffMs: number;
}

export interface ModelMessage {
  id: string;
  body: unknown;
  /** The queue it was published to, which knows its own id. */
  origin: ModelQueue;
  queue: ModelQueue;
  visibleAt: number;
  /** The end of its lease. A backoff may follow. */
  leasedUntil: number;
  receipt: string | undefined;
  receives: number;
  firstReceivedAt: number;
  failures: number;
  expiresAt: number;
  diedOf: string | undefined;
  diedIn: ModelQueue | undefined;
  publishedAt: number;
  /** When it entered its current queue. */
  since: number;
  isPurged: boolean;
}

/**
 * What a receipt can still do. `perhaps`: its message has expired or is purged, but may not be removed yet. `forgotten`: it was acked so long
 * ago that the queue need not remember it.
 */
export type ReceiptFate = 'held' | 'perhaps' | 'acked' | 'forgotten' | 'lost';

export class QueueModel {
  readonly messages = new Set<ModelMessage>();
  /** By queue and id of a done message: until when the id is remembered. */
  readonly ended = new Map<string, number>();
  readonly receipts = new Map<string, { queue: ModelQueue; message: ModelMessage; ackedAt?: number }>();

  publish(queue: ModelQueue, id: string, body: unknown, delayMs: number, now: number): void {
    const visibleAt = now + delayMs;
    this.messages.add({
      id,
      body,
      origin: queue,
      queue,
      visibleAt,
      leasedUntil: 0,
      receipt: undefined,
      receives: 0,
      firstReceivedAt: 0,
      failures: 0,
      expiresAt: queue.retentionMs === null ? Number.POSITIVE_INFINITY : visibleAt + queue.retentionMs,
      diedOf: undefined,
      diedIn: undefined,
      publishedAt: now,
      since: now,
      isPurged: false,
    });
  }

  /** Whether the queue knows a message with this id. `perhaps`: it is gone, but may not be removed yet. */
  known(queue: ModelQueue, id: string, now: number): 'yes' | 'no' | 'perhaps' {
    for (const message of this.messages) {
      if (message.origin !== queue || message.id !== id) continue;
      // It was released with a delay beyond its retention: it is shown, but never delivered.
      const outlives = message.expiresAt <= now && message.receipt === undefined && message.queue.deadLetter === null;
      if (outlives && message.visibleAt > now) return 'perhaps';
      if (!message.isPurged && !this.isGone(message, now)) return 'yes';
      const isLeased = message.receipt !== undefined && message.visibleAt > now;
      return message.queue === queue && !isLeased ? 'no' : 'perhaps';
    }
    const end = this.ended.get(`${queue.name}/${id}`);
    return end === undefined || now > end ? 'no' : 'yes';
  }

  /** Another message takes the id of a message that is gone. */
  forget(queue: ModelQueue, id: string): void {
    for (const message of this.messages) if (message.origin === queue && message.id === id) this.messages.delete(message);
  }

  /** Expired, not leased, and without a dead-letter queue. */
  isGone(message: ModelMessage, now: number): boolean {
    return message.expiresAt <= now && message.visibleAt <= now && message.queue.deadLetter === null;
  }

  /** Why the message must be dead-lettered instead of received, if it must. */
  mustDie(message: ModelMessage, now: number): DeathReason | undefined {
    const { deadLetter } = message.queue;
    if (!deadLetter || message.visibleAt > now || message.isPurged) return undefined;
    if (message.expiresAt <= now) return 'expired';
    return message.receives >= deadLetter.maxReceives ? 'max_receives' : undefined;
  }

  isReady(message: ModelMessage, now: number): boolean {
    return !message.isPurged && message.visibleAt <= now && message.expiresAt > now && this.mustDie(message, now) === undefined;
  }

  state(message: ModelMessage, now: number): MessageState {
    if (message.receipt !== undefined && message.leasedUntil > now) return 'leased';
    if (message.visibleAt > now) return 'delayed';
    return message.diedOf === undefined ? 'ready' : 'dead';
  }

  in(queue: ModelQueue): ModelMessage[] {
    return [...this.messages].filter((message) => message.queue === queue);
  }

  receive(message: ModelMessage, receipt: string, timeoutMs: number, now: number): void {
    if (message.receipt !== undefined) message.failures++;
    message.receives++;
    if (message.receives === 1) message.firstReceivedAt = now;
    message.receipt = receipt;
    message.leasedUntil = now + timeoutMs;
    const isLast = message.queue.deadLetter !== null && message.receives >= message.queue.deadLetter.maxReceives;
    message.visibleAt = message.leasedUntil + (isLast || timeoutMs === 0 ? 0 : message.queue.backoffMs);
    this.receipts.set(receipt, { queue: message.queue, message });
  }

  fate(receipt: string, now: number): ReceiptFate {
    const given = this.receipts.get(receipt)!;
    if (given.ackedAt !== undefined) return now <= given.ackedAt + tombstoneMs ? 'acked' : 'forgotten';
    if (!this.messages.has(given.message) || given.message.receipt !== receipt) return 'lost';
    return given.message.isPurged || this.isGone(given.message, now) ? 'perhaps' : 'held';
  }

  ack(receipt: string, now: number): void {
    const given = this.receipts.get(receipt)!;
    given.ackedAt = now;
    this.remove(given.message, now);
  }

  remove(message: ModelMessage, now: number): void {
    this.messages.delete(message);
    this.ended.set(`${message.origin.name}/${message.id}`, now + tombstoneMs);
  }

  die(message: ModelMessage, reason: DeathReason, now: number): void {
    message.diedOf = reason;
    message.diedIn = message.queue;
    this.arrive(message, message.queue.deadLetter!.queue, now);
  }

  revive(message: ModelMessage, queue: ModelQueue, now: number): void {
    message.diedOf = undefined;
    message.diedIn = undefined;
    this.arrive(message, queue, now);
  }

  private arrive(message: ModelMessage, queue: ModelQueue, now: number): void {
    message.queue = queue;
    message.receipt = undefined;
    message.receives = 0;
    message.failures = 0;
    message.visibleAt = now;
    message.since = now;
    message.expiresAt = queue.retentionMs === null ? Number.POSITIVE_INFINITY : now + queue.retentionMs;
  }
}
