/**
 * Creates the engine: passes each call to its operation, and limits it to the time for which its caller waits. `callChecked` leaves
 * the check of the input to its caller, except that each entry of a publish is checked here. Register a new operation in `calls`.
 */
import type { CheckedInputOf, OutputOf, ParamsOf, PublishEntry, Refused, TopicEntry } from '../contract/contract.ts';
import { DumbwaiterError } from '../contract/errors.ts';
import { withValues } from '../contract/json-values.ts';
import { parseInput, parseParams, parsePublishEntry, parseTopicEntry } from '../contract/schemas/parse.ts';
import { type Context, createContext } from './context/context.ts';
import { unavailableCall } from './context/unavailable.ts';
import type { Engine, EngineParts, QueueOperation } from './engine.ts';
import { endKey } from './leases/kept-messages.ts';
import { ack } from './operations/ack.ts';
import { cancelMessage } from './operations/cancel-message.ts';
import { extend } from './operations/extend.ts';
import { getQueue } from './operations/get-queue.ts';
import { commitMessage, getMessage, rollbackMessage, updateMessage } from './operations/messages.ts';
import { peek } from './operations/peek.ts';
import { publish } from './operations/publish.ts';
import { createQueue, deleteQueue, listQueues, purge, updateQueue } from './operations/queues.ts';
import { receive } from './operations/receive.ts';
import { cancelRedrive, getRedrive, redrive } from './operations/redrive.ts';
import { release } from './operations/release.ts';
import { releaseMessage } from './operations/release-message.ts';
import { deleteSchedule, getSchedule, listSchedules, putSchedule, updateSchedule } from './operations/schedules.ts';
import {
  getSubscription,
  listSubscriptions,
  subscribe,
  testSubscription,
  unsubscribe,
  updateSubscription,
} from './operations/subscriptions.ts';
import { commitPublication, publishToTopic, rollbackPublication, topicPublishItems } from './operations/topic-publish.ts';
import { createTopic, deleteTopic, getTopic, listTopics, updateTopic } from './operations/topics.ts';
import { ackItems, publishItems } from './operations/transaction-items.ts';
import { type Store, StoreError, type WriteOptions } from './port/port.ts';
import { createAwakeStore } from './queues/awake-store.ts';
import { nextDue } from './receive/next-due.ts';
import { runRedrive } from './redrive/run.ts';
import { sweep } from './sweep/sweep.ts';

type Calls = {
  [Name in QueueOperation]: (
    ctx: Context,
    params: ParamsOf<Name>,
    input: CheckedInputOf<Name>,
    signal?: AbortSignal,
  ) => Promise<OutputOf<Name>>;
};

const calls: Calls = {
  createQueue: (ctx, { queue }, input) => createQueue(ctx, queue, input),
  getQueue: (ctx, { queue }) => getQueue(ctx, queue),
  updateQueue: (ctx, { queue }, input) => updateQueue(ctx, queue, input),
  deleteQueue: (ctx, { queue }) => deleteQueue(ctx, queue),
  listQueues: (ctx, _, input) => listQueues(ctx, input),
  publish: (ctx, { queue }, { messages }) => publish(ctx, queue, messages.map(entry)),
  receive: (ctx, { queue }, input, signal) => receive(ctx, queue, input, signal),
  publishItems: (ctx, { queue }, { messages }) => publishItems(ctx, queue, messages.map(entry)),
  ack: (ctx, { queue }, { receipts, result }) => ack(ctx, queue, receipts, result),
  ackItems: (ctx, { queue }, { receipts }) => ackItems(ctx, queue, receipts),
  release: (ctx, { queue }, { receipts, ...input }) => release(ctx, queue, receipts, input),
  extend: (ctx, { queue }, { receipts, ...input }) => extend(ctx, queue, receipts, input),
  purge: (ctx, { queue }) => purge(ctx, queue),
  peek: (ctx, { queue }, input) => peek(ctx, queue, input),
  getMessage: (ctx, { queue, id }, { waitSeconds = 0 }, signal) => getMessage(ctx, queue, id, waitSeconds, signal),
  updateMessage: (ctx, { queue, id }, changes) => updateMessage(ctx, queue, id, changes),
  cancelMessage: (ctx, { queue, id }, { force = false }) => cancelMessage(ctx, queue, id, force),
  releaseMessage: (ctx, { queue, id }, input) => releaseMessage(ctx, queue, id, input),
  commitMessage: (ctx, { queue, id }) => commitMessage(ctx, queue, id),
  rollbackMessage: (ctx, { queue, id }) => rollbackMessage(ctx, queue, id),
  redrive: (ctx, { queue }, input) => redrive(ctx, queue, input),
  getRedrive: (ctx, { queue, task }) => getRedrive(ctx, queue, task),
  cancelRedrive: (ctx, { queue, task }) => cancelRedrive(ctx, queue, task),
  putSchedule: (ctx, { name }, input) => putSchedule(ctx, name, input),
  getSchedule: (ctx, { name }) => getSchedule(ctx, name),
  updateSchedule: (ctx, { name }, input) => updateSchedule(ctx, name, input),
  deleteSchedule: (ctx, { name }) => deleteSchedule(ctx, name),
  listSchedules: (ctx, _, input) => listSchedules(ctx, input),
  createTopic: (ctx, { topic }, input) => createTopic(ctx, topic, input),
  getTopic: (ctx, { topic }) => getTopic(ctx, topic),
  updateTopic: (ctx, { topic }, input) => updateTopic(ctx, topic, input),
  deleteTopic: (ctx, { topic }, { force = false }) => deleteTopic(ctx, topic, force),
  listTopics: (ctx, _, input) => listTopics(ctx, input),
  subscribe: (ctx, { topic, subscription }, input) => subscribe(ctx, topic, subscription, input),
  getSubscription: (ctx, { topic, subscription }) => getSubscription(ctx, topic, subscription),
  updateSubscription: (ctx, { topic, subscription }, input) => updateSubscription(ctx, topic, subscription, input),
  unsubscribe: (ctx, { topic, subscription }) => unsubscribe(ctx, topic, subscription),
  testSubscription: (ctx, { topic, subscription }, message) => testSubscription(ctx, topic, subscription, message),
  publishToTopic: (ctx, { topic }, { messages }) => publishToTopic(ctx, topic, messages.map(topicEntry)),
  topicPublishItems: (ctx, { topic }, { messages }) => topicPublishItems(ctx, topic, messages.map(topicEntry)),
  commitPublication: (ctx, { topic, id }) => commitPublication(ctx, topic, id),
  rollbackPublication: (ctx, { topic, id }) => rollbackPublication(ctx, topic, id),
  listSubscriptions: (ctx, { topic }, input) => listSubscriptions(ctx, topic, input),
};

function entry(message: unknown, index: number): PublishEntry | Refused {
  return parsePublishEntry(message, index);
}

/** The part of a call's time that is reserved for its last attempt, so that it ends in time. */
export const lastTryMs = 3_000;

function topicEntry(message: unknown, index: number): TopicEntry | Refused {
  return parseTopicEntry(message, index);
}

/** Creates an engine over these parts. It is safe for concurrent calls. */
export function createEngine(parts: EngineParts): Engine {
  const ctx: Context = createContext({ ...parts, store: createAwakeStore(parts.store, () => ctx) });
  const callChecked: Engine['callChecked'] = async (operation, params, input, { signal, endsAt, texts = false } = {}) => {
    const output = await withUnavailable(() => calls[operation](withinTime(ctx, endsAt), params, input, signal));
    return texts ? output : withValues(output);
  };
  return {
    call: async (operation, params, input, options) =>
      callChecked(operation, parseParams(operation, params), parseInput(operation, input), options),
    callChecked,
    publishUnchecked: (queue, messages, { endsAt } = {}) =>
      withUnavailable(() => publish(withinTime(ctx, endsAt), queue, messages)),
    giveBack: (queue, receipts) => withUnavailable(() => release(ctx, queue, receipts, { isUnhandled: true })),
    nextDue: (queue, { endsAt } = {}) => withUnavailable(() => nextDue(withinTime(ctx, endsAt), queue)),
    onWakeup: (queue, wake) => ctx.wakeups.add(queue, wake),
    onEnd: (queue, id, wake) => ctx.wakeups.add(endKey(queue, id), wake),
    sweep: (options) => withUnavailable(() => sweep(ctx, options)),
    runRedrive: (queue, task, options) => withUnavailable(() => runRedrive(ctx, queue, task, options)),
  };
}

async function withUnavailable<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new DumbwaiterError('unavailable', unavailableCall(error), { cause: error });
  }
}

/** The context for a call that must be answered by `endsAt` (ms of the clock). Undefined: no limit, the context is unchanged. */
function withinTime(ctx: Context, endsAt: number | undefined): Context {
  return endsAt === undefined ? ctx : { ...ctx, store: closingAt(ctx, endsAt), lastTryAt: endsAt - lastTryMs };
}

/** The store with a time limit: it refuses requests that would begin later, including retries by the store's client. */
function closingAt({ store, clock }: Context, endsAt: number): Store {
  const inTime = <T>(call: () => Promise<T>): Promise<T> =>
    clock.now() > endsAt ? Promise.reject(new StoreError('the time of the call is over', 'no')) : call();
  const atMost = ({ by = endsAt, ...options }: WriteOptions = {}) => ({ ...options, by: Math.min(by, endsAt) });
  return {
    get: (keys) => inTime(() => store.get(keys, { by: endsAt })),
    range: (range) => inTime(() => store.range(range, { by: endsAt })),
    write: (write, options) => inTime(() => store.write(write, atMost(options))),
    writeAll: (writes, options) => inTime(() => store.writeAll(writes, atMost(options))),
    transact: (writes, options) => inTime(() => store.transact(writes, atMost(options))),
  };
}
