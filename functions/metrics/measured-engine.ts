/** Counts what passes through an engine in this process: messages, and how long they wait and are handled. */
import type { OperationName, OutputOf } from '../../contract/contract.ts';
import type { Engine, EngineEvent } from '../../engine/engine.ts';
import { parseReceipt } from '../../engine/model/receipts.ts';
import type { Clock } from '../../engine/port/port.ts';
import { type FlowCount, type FlowTime, type TopicCount, topicCounts } from './flow.ts';

/** Where counts go. None of these may throw, or take long: they run within calls. */
export interface Meter {
  counted(queue: string, what: FlowCount, messages: number): void;
  timed(queue: string, what: FlowTime, seconds: number): void;
  topicCounted(topic: string, what: TopicCount, messages: number): void;
}

/** `create` makes the engine, which reports its events to `observe`. */
export function measuredEngine(
  clock: Clock,
  meters: readonly Meter[],
  create: (observe: (event: EngineEvent) => void) => Engine,
): Engine {
  const count: Meter['counted'] = (queue, what, messages) => {
    if (messages > 0) for (const meter of meters) meter.counted(queue, what, messages);
  };
  const time: Meter['timed'] = (queue, what, seconds) => {
    for (const meter of meters) meter.timed(queue, what, Math.max(0, seconds));
  };

  const countOfTopic: Meter['topicCounted'] = (topic, what, messages) => {
    if (messages > 0) for (const meter of meters) meter.topicCounted(topic, what, messages);
  };

  function observe(event: EngineEvent): void {
    if (event.kind === 'dead_lettered') count(event.queue, 'deadLettered', event.messages);
    if (event.kind === 'expired') count(event.queue, 'expired', event.messages);
    if (event.kind === 'topic_published') for (const what of topicCounts) countOfTopic(event.topic, what, event[what]);
  }

  function published(queue: string, { results }: OutputOf<'publish'>): void {
    count(queue, 'published', results.filter((result) => result.ok && !result.duplicate).length);
  }

  function received(queue: string, { messages }: OutputOf<'receive'>): void {
    if (messages.length === 0) count(queue, 'emptyReceives', 1);
    count(queue, 'received', messages.length);
    const now = clock.now();
    for (const { receives, publishedAt } of messages) {
      if (receives === 1) time(queue, 'waiting', (now - Date.parse(publishedAt)) / 1000);
    }
  }

  function acked(queue: string, receipts: readonly string[], results: readonly { ok: boolean }[]): void {
    const now = clock.now();
    for (const [index, receipt] of receipts.entries()) {
      const at = results[index]?.ok ? parseReceipt(receipt)?.receivedAt : undefined;
      if (at !== undefined) time(queue, 'handling', (now - at) / 1000);
    }
  }

  function countCall(operation: OperationName, params: object, input: object, output: unknown): void {
    const { queue } = params as { queue: string };
    const { receipts = [], failed } = input as { receipts?: string[]; failed?: string };
    const { results = [] } = output as { results?: { ok: boolean }[] };
    if (operation === 'publish') published(queue, output as OutputOf<'publish'>);
    if (operation === 'receive') received(queue, output as OutputOf<'receive'>);
    if (operation === 'ack') acked(queue, receipts, results);
    const done = results.filter(({ ok }) => ok).length;
    if (operation === 'ack') count(queue, 'acked', done);
    if (operation === 'release' && failed !== undefined) count(queue, 'failed', done);
  }

  async function call<Output>(
    operation: OperationName,
    params: object,
    input: object,
    run: () => Promise<Output>,
  ): Promise<Output> {
    const output = await run();
    countCall(operation, params, input, output);
    return output;
  }

  const inner = create(observe);
  return {
    ...inner,
    call: (operation, params, input, options) =>
      call(operation, params, input, () => inner.call(operation, params, input, options)),
    callChecked: (operation, params, input, options) =>
      call(operation, params, input, () => inner.callChecked(operation, params, input, options)),
    publishUnchecked: (queue, messages, options) =>
      call('publish', { queue }, {}, () => inner.publishUnchecked(queue, messages, options)),
  };
}
