/** Plays commands against an engine and the model side by side. */
import { expect } from 'vitest';
import type { DeathReason, Message, PublishEntry, ReceivedMessage } from '../../contract/contract.ts';
import type { Engine } from '../../engine/engine.ts';
import type { DrivenEngine } from '../support/driven-engine.ts';
import { dayMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import type { Command, CommandOf } from './commands.ts';
import { type ModelMessage, type ModelQueue, QueueModel } from './queue-model.ts';

const callers = 3;
const large = noise(2_000);

type Result = { ok: boolean; code?: string };

export class Play {
  private readonly model = new QueueModel();
  private readonly driven: DrivenEngine;
  private readonly engines: Engine[];
  private readonly queues: Record<'q' | 'p' | 'dead', ModelQueue>;
  /** Receipts in the order in which they were issued. */
  private readonly issued: string[] = [];
  private bodies = 0;

  constructor(driven: DrivenEngine) {
    this.driven = driven;
    this.engines = Array.from({ length: callers }, driven.another);
    const plain = { visibilityTimeoutMs: 30_000, deadLetter: null, backoffMs: 0 };
    const dead: ModelQueue = { ...plain, name: 'dead', retentionMs: 7_200_000 };
    const p: ModelQueue = { ...plain, name: 'p', retentionMs: null };
    const q: ModelQueue = {
      ...plain,
      name: 'q',
      retentionMs: 600_000,
      deadLetter: { queue: dead, maxReceives: 3 },
      backoffMs: 2_000,
    };
    this.queues = { q, p, dead };
  }

  async begin(): Promise<void> {
    const { dead, p, q } = this.queues;
    for (const { name, visibilityTimeoutMs, retentionMs, deadLetter, backoffMs } of [dead, p, q]) {
      const seconds = backoffMs / 1000;
      await this.driven.create(name, {
        visibilityTimeoutSeconds: visibilityTimeoutMs / 1000,
        retentionSeconds: retentionMs === null ? null : retentionMs / 1000,
        deadLetter: deadLetter && { queue: deadLetter.queue.name, maxReceives: deadLetter.maxReceives },
        backoff: seconds === 0 ? null : { minSeconds: seconds, maxSeconds: seconds, factor: 1, jitter: 0 },
      });
    }
  }

  private get now(): number {
    return this.driven.clock.now();
  }

  private queue(name: string): ModelQueue {
    return this.queues[name as keyof typeof this.queues];
  }

  async do(command: Command): Promise<void> {
    switch (command.do) {
      case 'publish':
        return this.publish(command);
      case 'receive':
        return this.receive(command);
      case 'race':
        return this.race(command);
      case 'ack':
        return this.ack(command);
      case 'release':
        return this.release(command);
      case 'extend':
        return this.extend(command);
      case 'advance':
        return this.driven.clock.advance(command.ms);
      case 'sweep':
        return this.sweep(command.caller);
      case 'purge':
        return this.purge(this.queue(command.queue));
      case 'redrive':
        return this.redrive(command.reason);
      case 'redriveOne':
        return this.redriveOne(command.nth);
      case 'look':
        return this.look();
      case 'restart':
        this.engines.forEach((_, index) => {
          this.engines[index] = this.driven.another();
        });
    }
  }

  private async publish({ queue: name, entries }: CommandOf<'publish'>): Promise<void> {
    const queue = this.queue(name);
    const messages = entries.map(
      ({ isLarge, ...entry }: { isLarge?: true; id?: string; delaySeconds?: number }): PublishEntry => {
        const number = this.bodies++;
        return { ...entry, body: isLarge ? `${number} ${large}` : number };
      },
    );
    const { results } = await this.engines[0]!.call('publish', { queue: name }, { messages });
    results.forEach((result, index) => {
      const { id, body, delaySeconds = 0 } = messages[index]!;
      if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
      if (id !== undefined) {
        const known = this.model.known(queue, id, this.now);
        if (known !== 'perhaps')
          expect(result, 'publish').toEqual({ ok: true, id, ...(known === 'yes' ? { duplicate: true } : {}) });
        if (result.duplicate) return;
        this.model.forget(queue, id);
      }
      this.model.publish(queue, result.id, body, delaySeconds * 1000, this.now);
    });
  }

  private async receive({ queue: name, max, seconds, caller }: CommandOf<'receive'>): Promise<void> {
    const queue = this.queue(name);
    const ready = this.model.in(queue).filter((message) => this.model.isReady(message, this.now)).length;
    const input = { max, ...(seconds === undefined ? {} : { visibilityTimeoutSeconds: seconds }) };
    const { messages } = await this.engines[caller]!.call('receive', { queue: name }, input);
    expect(messages.length, 'received').toBeLessThanOrEqual(max);
    if (ready > 0) expect(messages.length, 'received, though messages were ready').toBeGreaterThan(0);
    this.received(queue, messages, seconds === undefined ? queue.visibilityTimeoutMs : seconds * 1000);
    await this.readDeaths();
  }

  private async race({ queue: name, max }: CommandOf<'race'>): Promise<void> {
    const queue = this.queue(name);
    const calls = await Promise.all(this.engines.map((engine) => engine.call('receive', { queue: name }, { max })));
    this.received(
      queue,
      calls.flatMap(({ messages }) => messages),
      queue.visibilityTimeoutMs,
    );
    await this.readDeaths();
  }

  private received(queue: ModelQueue, messages: readonly ReceivedMessage[], timeoutMs: number): void {
    expect(new Set(messages.map(({ receipt }) => receipt)).size, 'each message once').toBe(messages.length);
    const taken = new Set<ModelMessage>();
    for (const message of messages) {
      const known = this.model.in(queue).find((one) => one.id === message.id && one.body === message.body);
      if (!known || taken.has(known) || !this.model.isReady(known, this.now)) {
        throw new Error(
          `received, though not ready: ${JSON.stringify({ ...message, body: undefined, known: known && { ...known, body: 0 } })}`,
        );
      }
      taken.add(known);
      this.model.receive(known, message.receipt, timeoutMs, this.now);
      this.issued.push(message.receipt);
      expect(message).toMatchObject({
        receives: known.receives,
        firstReceivedAt: new Date(known.firstReceivedAt).toISOString(),
        failures: known.failures,
        publishedAt: new Date(known.publishedAt).toISOString(),
        leasedUntil: new Date(this.now + timeoutMs).toISOString(),
      });
      expect(message.deadLetter?.reason).toBe(known.diedOf);
    }
  }

  /** A message that must die does so when a call meets it. The queue shows whether it has. */
  private async readDeaths(): Promise<void> {
    for (const message of this.model.messages) {
      const reason = this.model.mustDie(message, this.now);
      if (reason === undefined) continue;
      const found = await this.engines[0]!.call('getMessage', { queue: message.queue.name, id: message.id }, {});
      if (found.queue !== message.queue.name) this.model.die(message, reason, this.now);
    }
  }

  /** The picked receipts, the queue to send them to, and the fate of each. */
  private picked(numbers: readonly number[]) {
    const receipts = numbers.flatMap((number) => this.issued.at(-1 - number) ?? []);
    const [first] = receipts;
    if (first === undefined) return undefined;
    const { queue } = this.model.receipts.get(first)!;
    const fates = new Map(
      receipts.map((receipt) => {
        const isOfQueue = this.model.receipts.get(receipt)!.queue === queue;
        return [receipt, isOfQueue ? this.model.fate(receipt, this.now) : 'invalid'] as const;
      }),
    );
    return { receipts, queue: queue.name, fates };
  }

  private check<Of extends Result>(
    what: string,
    picked: NonNullable<ReturnType<Play['picked']>>,
    results: readonly Of[],
    againOk: boolean,
    apply: (receipt: string, message: ModelMessage, result: Of) => void,
  ): void {
    expect(results.length).toBe(picked.receipts.length);
    const applied = new Set<string>();
    results.forEach((result, index) => {
      const receipt = picked.receipts[index]!;
      const fate = picked.fates.get(receipt)!;
      const answer = result.ok ? 'ok' : result.code;
      const allowed = {
        held: ['ok'],
        perhaps: ['ok', 'lease_lost'],
        acked: [againOk ? 'ok' : 'lease_lost'],
        forgotten: againOk ? ['ok', 'lease_lost'] : ['lease_lost'],
        lost: ['lease_lost'],
        invalid: ['invalid_receipt'],
      }[fate];
      expect(allowed, `${what} of a receipt that is ${fate} was answered ${answer}`).toContain(answer);
      if (!result.ok || applied.has(receipt) || (fate !== 'held' && fate !== 'perhaps')) return;
      applied.add(receipt);
      apply(receipt, this.model.receipts.get(receipt)!.message, result);
    });
  }

  private async ack({ receipts }: CommandOf<'ack'>): Promise<void> {
    const picked = this.picked(receipts);
    if (!picked) return;
    const { results } = await this.engines[1]!.call('ack', { queue: picked.queue }, { receipts: picked.receipts });
    this.check('ack', picked, results, true, (receipt) => this.model.ack(receipt, this.now));
  }

  private async release({ receipts, delaySeconds, failed, deadLetter: asked }: CommandOf<'release'>): Promise<void> {
    const isRejected = asked === true && delaySeconds === undefined;
    const picked = this.picked(receipts);
    if (!picked) return;
    const input = {
      receipts: picked.receipts,
      ...(delaySeconds === undefined ? {} : { delaySeconds }),
      ...(failed === undefined ? {} : { failed }),
      ...(isRejected ? { deadLetter: true } : {}),
    };
    const { results } = await this.engines[2]!.call('release', { queue: picked.queue }, input);
    this.check('release', picked, results, false, (_, message, result) => {
      const { deadLetter, backoffMs } = message.queue;
      if (failed !== undefined || isRejected) message.failures++;
      message.receipt = undefined;
      message.leasedUntil = 0;
      const isOver = deadLetter !== null && (isRejected || message.receives >= deadLetter.maxReceives);
      if (isOver && !message.isPurged) {
        expect(result).toEqual({ ok: true, deadLettered: true });
        this.model.die(message, isRejected ? 'rejected' : 'max_receives', this.now);
        return;
      }
      const usualWait = failed === undefined && !isRejected ? 0 : backoffMs;
      message.visibleAt = this.now + (delaySeconds === undefined ? usualWait : delaySeconds * 1000);
      expect(result).toEqual({ ok: true, visibleAt: new Date(message.visibleAt).toISOString() });
    });
  }

  private async extend({ receipts, seconds }: CommandOf<'extend'>): Promise<void> {
    const picked = this.picked(receipts);
    if (!picked) return;
    const input = { receipts: picked.receipts, ...(seconds === undefined ? {} : { visibilityTimeoutSeconds: seconds }) };
    const { results } = await this.engines[0]!.call('extend', { queue: picked.queue }, input);
    this.check('extend', picked, results, false, (_, message, result) => {
      const wait = seconds === 0 ? 0 : message.visibleAt - message.leasedUntil;
      message.leasedUntil = this.now + (seconds === undefined ? message.queue.visibilityTimeoutMs : seconds * 1000);
      message.visibleAt = message.leasedUntil + wait;
      expect(result).toEqual({ ok: true, leasedUntil: new Date(message.leasedUntil).toISOString() });
    });
  }

  private async sweep(caller: number): Promise<void> {
    const report = await this.engines[caller]!.sweep({ until: this.now + dayMs });
    expect(report.complete).toBe(true);
    await this.readDeaths();
    const lingering = [...this.model.messages].filter((message) => this.model.mustDie(message, this.now));
    expect(lingering, 'messages that the sweep should have moved').toEqual([]);
  }

  private async purge(queue: ModelQueue): Promise<void> {
    for (const message of this.model.in(queue)) message.isPurged = true;
    await this.engines[0]!.call('purge', { queue: queue.name }, {});
  }

  private mayReturn(message: ModelMessage): boolean {
    if (message.diedIn === undefined || message.isPurged || message.expiresAt <= this.now) return false;
    return this.model.state(message, this.now) !== 'leased';
  }

  private async redrive(reason: DeathReason | undefined): Promise<void> {
    const returning = this.model.in(this.queues.dead).filter((message) => {
      return this.mayReturn(message) && (reason === undefined || reason === message.diedOf);
    });
    const task = await this.driven.redrive('dead', reason === undefined ? {} : { reason });
    expect(task, 'redrive').toMatchObject({ state: 'done', moved: returning.length });
    for (const message of returning) this.model.revive(message, message.diedIn!, this.now);
  }

  private async redriveOne(nth: number): Promise<void> {
    const message = this.model.in(this.queues.dead)[nth];
    if (!message || this.isAmbiguous(message)) return;
    const returns = this.mayReturn(message);
    const task = await this.driven.redrive('dead', { ids: [message.id] });
    expect(task, 'redrive of one').toMatchObject({ state: 'done', moved: returns ? 1 : 0 });
    if (returns) this.model.revive(message, message.diedIn!, this.now);
  }

  /** Whether a queue has two messages with the same own id, published to two queues. */
  private isAmbiguous(message: ModelMessage): boolean {
    return this.model.in(message.queue).some((other) => other !== message && other.id === message.id);
  }

  private async look(): Promise<void> {
    for (const queue of Object.values(this.queues)) {
      const there = this.model.in(queue).filter((message) => !message.isPurged && !this.model.isGone(message, this.now));
      const seen = await this.peekAll(queue.name);
      const summary = ({ id, body, state, receives, failures }: Message) => JSON.stringify([id, body, state, receives, failures]);
      const expected = there.map((message) => {
        const state = this.model.state(message, this.now);
        return JSON.stringify([message.id, message.body, state, message.receives, message.failures]);
      });
      expect(seen.map(summary).sort(), `messages of ${queue.name}`).toEqual(expected.sort());
      const { counts } = await this.engines[1]!.call('getQueue', { queue: queue.name }, {});
      const inState = (state: string) => there.filter((message) => this.model.state(message, this.now) === state).length;
      expect(counts).toMatchObject({
        ready: inState('ready'),
        delayed: inState('delayed'),
        leased: inState('leased'),
        dead: inState('dead'),
        atLeast: false,
      });
      for (const message of there) {
        if (this.isAmbiguous(message)) continue;
        const found = await this.engines[2]!.call('getMessage', { queue: queue.name, id: message.id }, {});
        expect(found).toMatchObject({ body: message.body, queue: queue.name, state: this.model.state(message, this.now) });
      }
    }
  }

  private async peekAll(queue: string): Promise<Message[]> {
    const messages: Message[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.engines[0]!.call('peek', { queue }, { limit: 7, ...(cursor ? { cursor } : {}) });
      messages.push(...page.messages);
      expect(messages.length, 'pages without end').toBeLessThanOrEqual(this.model.messages.size);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return messages;
  }

  /** All remaining messages are delivered. After that, only rows with a TTL are left. */
  async end(): Promise<void> {
    await this.look();
    for (let round = 0; round < 4; round++) {
      for (const queue of Object.values(this.queues)) await this.drain(queue);
      this.driven.clock.advance(dayMs);
      await this.sweep(0);
    }
    expect(
      this.model.in(this.queues.p).filter((message) => !message.isPurged),
      'not delivered',
    ).toEqual([]);
    const unbounded = async (table: 'messages' | 'leases') =>
      (await this.driven.rows(table)).filter(({ ttl }) => ttl === undefined);
    expect(await unbounded('leases')).toEqual([]);
    expect(await unbounded('messages')).toEqual([]);
  }

  private async drain(queue: ModelQueue): Promise<void> {
    const from = this.issued.length;
    const ready = () => this.model.in(queue).filter((message) => this.model.isReady(message, this.now)).length;
    while (ready() > 0) await this.receive({ do: 'receive', queue: queue.name as 'q', max: 100, seconds: 5_000, caller: 0 });
    const held = this.issued.slice(from).map((_, index) => index);
    for (let at = 0; at < held.length; at += 50) await this.ack({ do: 'ack', receipts: held.slice(at, at + 50) });
  }
}
