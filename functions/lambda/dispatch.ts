/**
 * Lambda entry: pushes messages to targets. The streams of `messages` and `leases` wake it with their records. It then invokes itself once
 * for each queue that has a target, so that a slow target of one queue does not hold up the records of others. The sweep invokes it for
 * queues in which messages wait.
 */
import { queuesToDispatch } from '../push/wake.ts';
import type { LambdaContext } from './context.ts';
import { createEnvironment, type DispatchEvent } from './environment.ts';
import { incarnationsIn, type StreamRecord } from './stream-records.ts';

/** The part of the function's time in which it begins deliveries. The rest is for deliveries in progress. */
const beginShare = 1 / 3;
/** Time reserved to give back what is still being delivered then. */
const reserveMs = 10_000;

const { records, dispatcher, clock, log, invokeDispatch, flushCounts } = createEnvironment('dumbwaiter-dispatch');

export async function handler(event: DispatchEvent | { Records: StreamRecord[] }, context: LambdaContext): Promise<void> {
  log.begin(context);
  if ('Records' in event) {
    const incarnations = incarnationsIn(event.Records, clock.now());
    if (incarnations.size === 0) return;
    await invokeDispatch(context.functionName, await queuesToDispatch({ records, clock }, { incarnations }));
  } else if (await dispatch(event.queue, context.getRemainingTimeInMillis())) {
    await invokeDispatch(context.functionName, [event.queue]);
  }
  await flushCounts();
}

/** Returns whether messages may be left that another invocation could deliver now. */
async function dispatch(queue: string, leftMs: number): Promise<boolean> {
  const now = clock.now();
  const options = {
    until: now + leftMs * beginShare,
    endsAt: now + leftMs - reserveMs,
    signal: new AbortController().signal,
    keepsWaiting: false,
  };
  return (await dispatcher.drainQueue(queue, options)).includes('over');
}
