/**
 * FIFO queues against a model written from AWS's documentation: the order within each group, what is in flight, which handle counts,
 * and which messages are duplicates, after any sequence of calls and pauses.
 */
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
} from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type DrivenSqs, drivenSqsOnEachStore } from '../support/driven-sqs.ts';
import { testSeed } from '../support/seed.ts';
import { commandsOf, type Play, playCommand, type Settling, settleBy } from '../support/sqs-model.ts';

const runs = { memory: 60, sqlite: 20, dynamo: 10 };
const visibilityMs = 100_000;
const windowMs = 300_000;

interface ModelMessage {
  body: string;
  group: string;
  id: string;
  sequence: string;
  state: 'live' | 'deleted';
  /** While it is in flight: until when. */
  hiddenUntil: number;
  receives: number;
  firstReceivedAt: number;
  /** Newest first. None counts once a message before it is received again. */
  handles: string[];
}

interface Sent {
  group: string;
  /** The deduplication id; undefined: by content. */
  key: string | undefined;
}

const sent = fc.record({
  group: fc.constantFrom('a', 'b', 'c'),
  key: fc.constantFrom(undefined, undefined, 'k0', 'k1', 'k2'),
});
const pause = fc.record({ kind: fc.constant('pause' as const), seconds: fc.constantFrom(1, 99, 101, 300) });
const settlings: Settling[] = ['delete', 'delete', 'change'];
const commands = commandsOf(sent, 4, { send: 4, receive: 5, settle: 6, settlings }, [{ weight: 2, arbitrary: pause }]);

class FifoPlay implements Play<Sent> {
  readonly #messages: ModelMessage[] = [];
  /** The accepted message of each deduplication id, and when it was sent. */
  readonly #taken = new Map<string, { message: ModelMessage; at: number }>();
  readonly #local: DrivenSqs;
  readonly #url: string;
  readonly #byGroup: boolean;
  #bodies = 0;

  constructor(local: DrivenSqs, url: string, byGroup: boolean) {
    this.#local = local;
    this.#url = url;
    this.#byGroup = byGroup;
  }

  async send(entries: readonly Sent[]): Promise<void> {
    const Entries = entries.map(({ group, key }, index) => ({
      Id: String(index),
      MessageBody: `m${this.#bodies++}`,
      MessageGroupId: group,
      ...(key !== undefined && { MessageDeduplicationId: key }),
    }));
    const now = this.#local.clock.now();
    const { Successful = [] } = await this.#local.sqs.send(new SendMessageBatchCommand({ QueueUrl: this.#url, Entries }));
    expect(Successful).toHaveLength(entries.length);
    for (const [index, { group, key }] of entries.entries()) {
      const { MessageId, SequenceNumber } = Successful[index]!;
      const body = Entries[index]!.MessageBody;
      const taken = key === undefined ? undefined : this.#taken.get(this.#byGroup ? `${group} ${key}` : key);
      if (taken && now < taken.at + windowMs) {
        expect({ MessageId, SequenceNumber }, body).toEqual({
          MessageId: taken.message.id,
          SequenceNumber: taken.message.sequence,
        });
        continue;
      }
      const last = this.#messages.findLast((one) => one.group === group);
      if (last) expect(BigInt(SequenceNumber!), body).toBeGreaterThan(BigInt(last.sequence));
      const message = {
        body,
        group,
        id: MessageId!,
        sequence: SequenceNumber!,
        receives: 0,
        firstReceivedAt: 0,
        hiddenUntil: 0,
        handles: [],
      };
      this.#messages.push({ ...message, state: 'live' });
      if (key !== undefined) {
        this.#taken.set(this.#byGroup ? `${group} ${key}` : key, { message: this.#messages.at(-1)!, at: now });
      }
    }
  }

  /** The live messages of each group from which something may be received, in order. */
  #available(): Map<string, ModelMessage[]> {
    const now = this.#local.clock.now();
    const live = Map.groupBy(
      this.#messages.filter(({ state }) => state === 'live'),
      ({ group }) => group,
    );
    return new Map([...live].filter(([, ofGroup]) => ofGroup.every(({ hiddenUntil }) => hiddenUntil <= now)));
  }

  async receive(max: number, isShort: boolean): Promise<number> {
    const available = this.#available();
    const asked = {
      QueueUrl: this.#url,
      MaxNumberOfMessages: max,
      VisibilityTimeout: isShort ? 0 : visibilityMs / 1000,
      MessageSystemAttributeNames: ['All' as const],
    };
    const { Messages = [] } = await this.#local.sqs.send(new ReceiveMessageCommand(asked));
    expect(Messages.length).toBeLessThanOrEqual(max);
    if (available.size > 0) expect(Messages).not.toEqual([]);
    for (const [group, received] of Map.groupBy(Messages, ({ Attributes }) => Attributes!.MessageGroupId!)) {
      const waiting = available.get(group) ?? [];
      expect(
        received.map(({ Body }) => Body),
        group,
      ).toEqual(waiting.slice(0, received.length).map(({ body }) => body));
      for (const [index, { MessageId, ReceiptHandle, Attributes }] of received.entries()) {
        const message = waiting[index]!;
        message.receives++;
        if (message.receives === 1) message.firstReceivedAt = this.#local.clock.now();
        expect({ MessageId, ...Attributes }, message.body).toMatchObject({
          MessageId: message.id,
          SequenceNumber: message.sequence,
          ApproximateReceiveCount: String(message.receives),
          ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
        });
        message.handles.unshift(ReceiptHandle!);
        if (!isShort) message.hiddenUntil = this.#local.clock.now() + visibilityMs;
      }
      for (const message of waiting.slice(received.length)) message.handles.unshift('void');
    }
    return Messages.length;
  }

  async settle(kind: Settling, pick: number, age: number, isShort: boolean): Promise<void> {
    const candidates = this.#messages.filter(({ handles }) => (handles[age] ?? 'void') !== 'void');
    const message = candidates[pick % Math.max(1, candidates.length)];
    if (!message) return;
    const counts = age === 0 && message.state === 'live';
    const handle = { QueueUrl: this.#url, ReceiptHandle: message.handles[age] };
    const seconds = isShort ? 0 : visibilityMs / 1000;
    await settleBy(this.#local.sqs, handle, kind === 'delete' ? kind : { change: seconds }, counts);
    if (!counts) return;
    if (kind === 'delete') message.state = 'deleted';
    else message.hiddenUntil = this.#local.clock.now() + seconds * 1000;
  }

  async count(): Promise<void> {
    const asked = { QueueUrl: this.#url, AttributeNames: ['All' as const] };
    const { Attributes = {} } = await this.#local.sqs.send(new GetQueueAttributesCommand(asked));
    const counts = Object.entries(Attributes).filter(([name]) => name.startsWith('ApproximateNumberOfMessages'));
    expect(counts).toHaveLength(3);
    const live = this.#messages.filter(({ state }) => state === 'live').length;
    expect(counts.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(live);
  }

  async drain(): Promise<void> {
    this.#local.clock.advance(visibilityMs);
    while ((await this.receive(10, false)) > 0) {
      for (const { handles } of this.#messages.filter(
        ({ state, handles: [newest] }) => state === 'live' && newest !== undefined,
      )) {
        if (handles[0] !== 'void') {
          await this.#local.sqs.send(new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle: handles[0] }));
        }
      }
      for (const message of this.#messages) if ((message.handles[0] ?? 'void') !== 'void') message.state = 'deleted';
    }
    expect(this.#messages.filter(({ state }) => state === 'live')).toEqual([]);
  }
}

drivenSqsOnEachStore((local, store) => {
  it('a FIFO queue does what a model of SQS does, call by call', async () => {
    let queues = 0;
    let received = 0;
    const property = fc.asyncProperty(fc.boolean(), commands, async (byGroup, drawn) => {
      const Attributes = {
        FifoQueue: 'true',
        ContentBasedDeduplication: 'true',
        DeduplicationScope: byGroup ? 'messageGroup' : 'queue',
      };
      const { QueueUrl } = await local().sqs.send(new CreateQueueCommand({ QueueName: `model-${queues++}.fifo`, Attributes }));
      const play = new FifoPlay(local(), QueueUrl!, byGroup);
      for (const one of drawn) {
        local().clock.advance(1);
        if (one.kind === 'pause') local().clock.advance(one.seconds * 1000);
        else received += await playCommand(play, one);
      }
      await play.drain();
    });
    await fc.assert(property, { seed: testSeed, numRuns: runs[store] });
    expect(received).toBeGreaterThan(0);
  }, 120_000);
});
