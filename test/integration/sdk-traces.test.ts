/** Spans of `dumbwaiter-queue/otel`, read from the OpenTelemetry SDK in memory, of calls to the whole queue. */
import { TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { context, createTraceState, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { attributesMax } from '../../contract/limits.ts';
import { directTransport } from '../../direct/transport.ts';
import { Dumbwaiter, type QueueClient } from '../../sdk/index.ts';
import { type OpenTelemetryOptions, openTelemetry } from '../../sdk/otel/tracing.ts';
import { startTestDynamodb, testCredentials, testRegion } from '../support/dynamodb.ts';
import { adminKey } from '../support/local-queue.ts';
import { sqsForTests } from '../support/local-sqs.ts';
import { linksOf, Traces, traceparentOf } from '../support/traces.ts';

const sqs = sqsForTests();
let traces: Traces;
let names = 0;
/** Names are part of span names: each test has its own. */
let name: string;
let dumbwaiter: Dumbwaiter;
let queue: QueueClient<unknown>;

const traced = (options: OpenTelemetryOptions & { json?: 'text' } = {}) => {
  const { json = 'values', ...rest } = options;
  const tracing = openTelemetry({ tracerProvider: traces.provider, ...rest });
  return new Dumbwaiter({ url: sqs().server.url, apiKey: adminKey, json, tracing });
};
/** Handles one message, and stops when it is settled. */
async function handleOne(from: QueueClient<unknown>, handler: () => unknown = () => {}): Promise<void> {
  const consumer = from.consume(handler, { visibilityTimeoutSeconds: 30 });
  await new Promise<void>((resolve) => {
    consumer.on('ack', () => resolve());
    consumer.on('failed', () => resolve());
  });
  await consumer.stop();
}

beforeAll(() => {
  traces = new Traces();
});
afterAll(() => traces.close());

beforeEach(async () => {
  name = `traced-${++names}`;
  dumbwaiter = traced();
  queue = dumbwaiter.queue(name);
  await queue.create();
});

describe('a traced client', () => {
  it('a publish makes a span of a producer in the trace of its caller, and the message carries its context', async () => {
    const { answer, caller } = await traces.within('order', () => queue.publish({ body: 1, attributes: { shop: 'east' } }));
    const [span] = traces.named(`publish ${name}`);
    expect(span).toMatchObject({ kind: SpanKind.PRODUCER, parentSpanContext: { spanId: caller.spanId } });
    expect(span?.attributes).toEqual({
      'messaging.system': 'dumbwaiter',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': name,
      'messaging.message.id': answer.id,
    });
    const traceparent = traceparentOf(span!.spanContext());
    expect(traceparent).toContain(caller.traceId);
    expect((await queue.get(answer.id)).attributes).toEqual({ shop: 'east', traceparent });
  });

  it('publishes of several traces that share a call each carry their own trace', async () => {
    const publishes = ['a', 'b'].map((body) => traces.within(`order ${body}`, () => queue.publish({ body })));
    const published = await Promise.all(publishes);
    for (const { answer, caller } of published) {
      expect((await queue.get(answer.id)).attributes.traceparent).toContain(caller.traceId);
    }
    expect(new Set(published.map(({ caller }) => caller.traceId)).size).toBe(2);
  });

  it('a handler runs in a span that begins a trace and links to the publisher, and the ack is part of that trace', async () => {
    const { id } = await queue.publish({ body: 1, group: 'g' });
    await handleOne(queue, () => traces.within(`work of ${name}`, async () => {}));
    const [publish] = traces.named(`publish ${name}`);
    const [process] = traces.named(`process ${name}`);
    expect(process).toMatchObject({ kind: SpanKind.CONSUMER, status: { code: SpanStatusCode.UNSET } });
    expect(process?.parentSpanContext).toBeUndefined();
    expect(linksOf(process!)).toEqual([publish!.spanContext().spanId]);
    expect(process?.spanContext().traceId).not.toBe(publish!.spanContext().traceId);
    expect(process?.attributes).toMatchObject({
      'messaging.operation.type': 'process',
      'messaging.message.id': id,
      'messaging.dumbwaiter.message.receives': 1,
      'messaging.dumbwaiter.message.group': 'g',
    });
    const { spanId } = process!.spanContext();
    expect(traces.named(`work of ${name}`)[0]?.parentSpanContext?.spanId).toBe(spanId);
    const ack = await traces.ended(`ack ${name}`);
    expect(ack).toMatchObject({ kind: SpanKind.CLIENT, parentSpanContext: { spanId } });
    expect(ack.attributes).toMatchObject({ 'messaging.operation.type': 'settle', 'messaging.message.id': id });
    expect(linksOf(ack)).toEqual([publish!.spanContext().spanId]);
  });

  it('the handlers of a consumer that was started in a span are no part of its trace', async () => {
    await queue.publish({ body: 1 });
    const { caller } = await traces.within('start', () => handleOne(queue));
    const [receive] = traces.named(`receive ${name}`);
    const [process] = traces.named(`process ${name}`);
    const ack = await traces.ended(`ack ${name}`);
    for (const span of [receive!, process!, ack]) expect(span.spanContext().traceId).not.toBe(caller.traceId);
    expect(ack.spanContext().traceId).toBe(process!.spanContext().traceId);
  });

  it('continueTraces makes a handler part of the trace of its publisher', async () => {
    await queue.publish({ body: 1 });
    await handleOne(traced({ continueTraces: true }).queue(name));
    const { spanId, traceId } = traces.named(`publish ${name}`)[0]!.spanContext();
    const [process] = traces.named(`process ${name}`);
    expect(process).toMatchObject({ parentSpanContext: { spanId, traceId } });
    expect(linksOf(process!)).toEqual([spanId]);
  });

  it('a handler that throws marks its span as failed, and the release is part of its trace', async () => {
    await queue.publish({ body: 1 });
    await handleOne(queue, () => {
      throw new RangeError('no table 9');
    });
    const [process] = traces.named(`process ${name}`);
    expect(process?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no table 9' });
    expect(process?.attributes['error.type']).toBe('RangeError');
    expect(process?.events.map(({ name }) => name)).toEqual(['exception']);
    expect((await traces.ended(`release ${name}`)).parentSpanContext?.spanId).toBe(process!.spanContext().spanId);
  });

  it('a receive that returns messages makes one span with a link to each publisher, and an empty one makes none', async () => {
    expect(await queue.receive()).toEqual([]);
    expect(traces.named(`receive ${name}`)).toEqual([]);
    await queue.publish({ body: 1 });
    await queue.publish({ body: 2 });
    const { answer: messages, caller } = await traces.within('by hand', () => queue.receive({ max: 10 }));
    const [receive] = traces.named(`receive ${name}`);
    expect(receive).toMatchObject({ kind: SpanKind.CLIENT, parentSpanContext: { spanId: caller.spanId } });
    expect(receive?.attributes['messaging.batch.message_count']).toBe(2);
    expect(linksOf(receive!).sort()).toEqual(
      traces
        .named(`publish ${name}`)
        .map((span) => span.spanContext().spanId)
        .sort(),
    );
    await queue.ack(messages);
    const ack = await traces.ended(`ack ${name}`);
    expect([ack.attributes['messaging.batch.message_count'], linksOf(ack).sort()]).toEqual([2, linksOf(receive!).sort()]);
    await queue.ack(messages.map(({ receipt }) => receipt));
    expect(traces.named(`ack ${name}`).map(({ links }) => links.length)).toEqual([2, 0]);
  });

  it('calls that fail, and entries that are refused, mark their spans with the error code', async () => {
    const nowhere = dumbwaiter.queue(`${name}-nowhere`);
    await expect(nowhere.publish({ body: 1 })).rejects.toThrow();
    await expect(nowhere.receive()).rejects.toThrow();
    const codes = [`publish ${nowhere.name}`, `receive ${nowhere.name}`].map(
      (of) => traces.named(of)[0]?.attributes['error.type'],
    );
    expect(codes).toEqual(['queue_not_found', 'queue_not_found']);
    await queue.publish([{ body: 1 }, { body: 2, delaySeconds: -1 }]);
    const { attributes, status } = await traces.ended(`publish ${name}`);
    expect([attributes['error.type'], attributes['messaging.batch.message_count']]).toEqual(['invalid_input', 2]);
    expect(status.message).toMatch(/^1 of 2: .*delaySeconds/);
  });

  it('a message that brings a trace context of its own keeps it, and the span of its publish links to it', async () => {
    const { caller } = await traces.within('the origin', async () => {});
    const traceparent = traceparentOf(caller);
    const { id } = await queue.publish({ body: 1, attributes: { traceparent } });
    expect((await queue.get(id)).attributes).toEqual({ traceparent });
    const [publish] = traces.named(`publish ${name}`);
    expect(publish?.kind).toBe(SpanKind.CLIENT);
    expect(linksOf(publish!)).toEqual([caller.spanId]);
  });

  it('a message without room in its attributes is published without a trace context', async () => {
    const full = Object.fromEntries(Array.from({ length: attributesMax }, (_, i) => [`a${i}`, i]));
    const { a0: _, ...oneLeft } = full;
    const { a1: __, ...twoLeft } = oneLeft;
    const added = async (attributes: Record<string, number>) => {
      const { id } = await context.with(trace.setSpanContext(context.active(), parent), () =>
        queue.publish({ body: 1, attributes }),
      );
      const kept = (await queue.get(id)).attributes;
      expect(kept).toMatchObject(attributes);
      return Object.keys(kept).filter((of) => !(of in attributes));
    };
    const parent = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1, traceState: createTraceState('vendor=1') };
    expect(await added(full)).toEqual([]);
    expect(await added(oneLeft)).toEqual(['traceparent']);
    expect(await added(twoLeft)).toEqual(['traceparent', 'tracestate']);
  });

  it('a trace follows its message through a topic, a dead-letter queue and a redrive', async () => {
    const topic = dumbwaiter.topic(`${name}-topic`);
    await topic.create();
    await dumbwaiter.queue(`${name}-dead`).create();
    await queue.update({ deadLetter: { queue: `${name}-dead`, maxReceives: 5 } });
    await topic.subscribe('all', { queue: name });
    await topic.publish({ body: 1 });
    const publisher = traces.named(`publish ${topic.name}`)[0]!.spanContext().spanId;
    const [message] = await queue.receive();
    await message!.release({ deadLetter: true });
    await (await dumbwaiter.queue(`${name}-dead`).redrive()).wait();
    await handleOne(queue);
    expect(linksOf(traces.named(`process ${name}`)[0]!)).toEqual([publisher]);
  });

  it('a broadcast has spans under one name for all its listeners', async () => {
    const topic = dumbwaiter.topic(`${name}-topic`);
    await topic.create();
    let handled = () => {};
    const done = new Promise<void>((resolve) => {
      handled = resolve;
    });
    const broadcast = await topic.broadcast(() => handled());
    await topic.publish({ body: 1 });
    await done;
    await broadcast.stop();
    const process = await traces.ended(`process ${topic.name}~broadcast-{id}`);
    expect(process.attributes).toMatchObject({
      'messaging.destination.name': broadcast.subscription.queue().name,
      'messaging.destination.temporary': true,
    });
  });

  it('a message that is called has its publish traced, and its reply acked in the trace of its handler', async () => {
    await queue.update({ keep: { doneSeconds: 60 } });
    const consumer = queue.consume(() => 'reply', { reply: true, visibilityTimeoutSeconds: 30 });
    expect(await queue.call(1)).toBe('reply');
    await consumer.stop();
    const [process] = traces.named(`process ${name}`);
    expect(linksOf(process!)).toEqual([traces.named(`publish ${name}`)[0]?.spanContext().spanId]);
    expect((await traces.ended(`ack ${name}`)).parentSpanContext?.spanId).toBe(process!.spanContext().spanId);
  });

  it('a client that reads attributes as JSON text links to the publisher', async () => {
    await queue.publish({ body: 1 });
    await handleOne(traced({ json: 'text' }).queue(name));
    expect(linksOf(traces.named(`process ${name}`)[0]!)).toHaveLength(1);
  });

  it('a trace context travels to and from programs that use SQS, as message attributes', async () => {
    await queue.publish({ body: 'to SQS' });
    const QueueUrl = `${sqs().server.url}/000000000000/${name}`;
    const { Messages } = await sqs().sqs.send(new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'] }));
    const { spanId } = traces.named(`publish ${name}`)[0]!.spanContext();
    expect(Messages?.[0]?.MessageAttributes?.traceparent?.StringValue).toContain(spanId);
    const { caller } = await traces.within('a program that uses SQS', async () => {});
    const traceparent = { DataType: 'String', StringValue: traceparentOf(caller) };
    await sqs().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'from SQS', MessageAttributes: { traceparent } }));
    await handleOne(queue);
    expect(linksOf(traces.named(`process ${name}`)[0]!)).toEqual([caller.spanId]);
  });

  it('without an SDK of OpenTelemetry, messages carry nothing and are handled as ever', async () => {
    const { server } = sqs();
    const client = new Dumbwaiter({ url: server.url, apiKey: adminKey, tracing: openTelemetry() });
    const { id } = await client.queue(name).publish({ body: 1 });
    expect((await queue.get(id)).attributes).toEqual({});
    await handleOne(client.queue(name));
    expect(traces.named(`process ${name}`)).toEqual([]);
  });
});

it('transactions make spans too: one for the entries of a publish, and an ack in the trace of the handler', async () => {
  const { endpoint, tables, stop, sdk } = await startTestDynamodb();
  const transport = directTransport({ endpoint, tables, region: testRegion, credentials: testCredentials });
  const local = new Dumbwaiter({ transport, tracing: openTelemetry({ tracerProvider: traces.provider }) }).queue(name);
  await local.create();
  const { items, ids } = await local.publishItems({ body: 1 });
  await sdk.send(new TransactWriteItemsCommand({ TransactItems: items }));
  const consumer = local.consume(() => [], { transaction: true, visibilityTimeoutSeconds: 30 });
  await new Promise((resolve) => consumer.on('ack', resolve));
  await consumer.stop();
  await transport.close();
  await stop();
  const create = await traces.ended(`create ${name}`);
  expect([create.kind, create.attributes['messaging.message.id']]).toEqual([SpanKind.PRODUCER, ids[0]]);
  const [process] = traces.named(`process ${name}`);
  expect(linksOf(process!)).toEqual([create.spanContext().spanId]);
  expect((await traces.ended(`ack ${name}`)).parentSpanContext?.spanId).toBe(process!.spanContext().spanId);
});
