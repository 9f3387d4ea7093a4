import type { ReceivedMessage, Refused } from '../../contract/contract.ts';
import { settingsDefaults } from '../../contract/settings-defaults.ts';
import type { Answers } from './contract-server.ts';

const lost: Refused = { ok: false, code: 'lease_lost', message: 'The lease is lost.' };

/** A queue in memory for the tests of the consumer. It delivers messages and records the calls for each of them. */
export class SmallQueue {
  readonly waiting: string[] = [];
  readonly leased = new Map<string, string>();
  readonly acked: string[] = [];
  readonly released: { id: string; delaySeconds?: number; failed?: string }[] = [];
  readonly extended: string[] = [];
  /** Ids whose lease is lost to another consumer. */
  readonly lost = new Set<string>();
  /** The groups of messages that have one, by id. */
  readonly groups = new Map<string, string>();
  /** Leases that a group may have at a time. */
  groupConcurrency = 1;
  /** Whether receives answer `waitIsCheap`. */
  waitIsCheap = false;
  /** Long polls that wait for a message; they end with `endPolls`. */
  readonly #polls = new Set<() => void>();
  #receipts = 0;

  add(...ids: string[]): void {
    this.waiting.push(...ids);
    this.endPolls();
  }

  addToGroup(group: string, ...ids: string[]): void {
    for (const id of ids) this.groups.set(id, group);
    this.add(...ids);
  }

  /** Lets every open long poll answer now. */
  endPolls(): void {
    for (const end of this.#polls) end();
    this.#polls.clear();
  }

  get openPolls(): number {
    return this.#polls.size;
  }

  readonly answers: Answers = {
    getQueue: (_, { queue }) => ({
      name: queue,
      ...settingsDefaults,
      visibilityTimeoutSeconds: 60,
      groups: { concurrency: this.groupConcurrency, onFailure: 'block', ratePerSecond: null, deadLetters: 'apart' },
      retentionSeconds: null,
      createdAt: '2030-01-01T00:00:00.000Z',
      updatedAt: '2030-01-01T00:00:00.000Z',
      counts: {
        ready: this.waiting.length,
        delayed: 0,
        leased: this.leased.size,
        dead: 0,
        prepared: 0,
        oldestAgeSeconds: null,
        atLeast: false,
      },
    }),
    receive: async ({ max = 1, waitSeconds = 0 }) => {
      if (this.waiting.length === 0 && waitSeconds > 0) await new Promise<void>((resolve) => this.#polls.add(resolve));
      return {
        messages: this.waiting.splice(0, max).map((id) => this.#lease(id)),
        ...(this.waitIsCheap && { waitIsCheap: true }),
      };
    },
    ack: ({ receipts }) => ({
      results: receipts.map((receipt) => {
        const id = this.#holder(receipt);
        if (id === undefined) return lost;
        this.leased.delete(receipt);
        this.acked.push(id);
        return { ok: true };
      }),
    }),
    release: ({ receipts, ...how }) => ({
      results: receipts.map((receipt) => {
        const id = this.#holder(receipt);
        if (id === undefined) return lost;
        this.leased.delete(receipt);
        this.released.push({ id, ...how });
        return { ok: true, visibleAt: '2030-01-01T00:00:00.000Z' };
      }),
    }),
    extend: ({ receipts }) => ({
      results: receipts.map((receipt) => {
        const id = this.#holder(receipt);
        if (id === undefined) return lost;
        this.extended.push(id);
        return { ok: true, leasedUntil: '2030-01-01T01:00:00.000Z' };
      }),
    }),
  };

  #lease(id: string): ReceivedMessage {
    const receipt = `receipt-${++this.#receipts}`;
    this.leased.set(receipt, id);
    const group = this.groups.get(id);
    return {
      ...(group !== undefined && { group }),
      id,
      body: { id },
      attributes: {},
      receipt,
      receives: 1,
      failures: 0,
      publishedAt: '2030-01-01T00:00:00.000Z',
      leasedUntil: '2030-01-01T00:01:00.000Z',
    };
  }

  #holder(receipt: string): string | undefined {
    const id = this.leased.get(receipt);
    return id === undefined || this.lost.has(id) ? undefined : id;
  }
}
