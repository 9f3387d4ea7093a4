/**
 * The log of all functions. Fields hold names, ids and times; never a body, a receipt or a key. Metric filters match on `kind`:
 * `contract/metrics.ts` has the kinds that count.
 */
import type { EngineEvent, SweepOptions, SweepReport } from '../../engine/engine.ts';

export type LogFields = Record<string, string | number | boolean | undefined>;

export interface Log {
  info(message: string, fields: LogFields): void;
  warn(message: string, fields: LogFields): void;
  /** For defects and for states that the engine's rules make impossible. */
  error(message: string, fields: LogFields, error?: unknown): void;
}

/** Counts answered calls. `isAvailable`: whether the answer was no error of the server (5xx). */
export type CountAnswer = (operation: string, isAvailable: boolean, seconds: number) => void;

export interface Answer {
  requestId: string;
  method?: string;
  /** Undefined for requests that name none. */
  operation: string | undefined;
  queue?: string | undefined;
  topic?: string | undefined;
  principal?: string | undefined;
  status: number;
  code: string | undefined;
  ms: number;
}

/** Logs an answered call, and counts it. Alike for HTTP, SQS and calls by Lambda invoke. */
export function logAnswer(log: Log, answer: Answer, count: CountAnswer | undefined): void {
  log.info('Answered', { ...answer });
  if (answer.operation !== undefined) count?.(answer.operation, answer.status < 500, answer.ms / 1000);
}

const messages = {
  dead_lettered: 'Dead-lettered',
  expired: 'Expired',
  anomaly: 'Anomaly',
  schedule_failed: 'Schedule failed',
  rolled_back: 'Rolled back',
  subscription_ended: 'Subscription ended',
  redrive_stalled: 'A redrive stalled, and is restarted',
  unavailable: 'Unavailable',
} as const;

const warnings: ReadonlySet<EngineEvent['kind']> = new Set(['schedule_failed', 'redrive_stalled', 'unavailable']);

/** Logs the engine's events, except publishes to topics: metrics count them, and the line of the call names the topic. */
export function logEngineEvents(log: Log): (event: EngineEvent) => void {
  return (event) => {
    if (event.kind === 'topic_published') return;
    if (event.kind === 'anomaly') log.error(messages.anomaly, { ...event });
    else if (warnings.has(event.kind)) log.warn(messages[event.kind], { ...event });
    else log.info(messages[event.kind], { ...event });
  };
}

/** Logs one line for each queue in which something happened, and one line that sums up the run. */
export function logSweep(log: Log, { queues, complete, totals }: SweepReport, ms: number): void {
  for (const { name, removed, deadLettered } of queues) {
    if (removed + deadLettered > 0) log.info('Queue swept', { kind: 'queue_swept', queue: name, removed, deadLettered });
  }
  // Dead-letter queues are left out: dead letters wait for an operator, so their age says nothing about the consumers.
  const [oldest] = queues
    .filter(({ isDeadLetter, oldestAgeSeconds }) => !isDeadLetter && oldestAgeSeconds > 0)
    .sort((one, other) => other.oldestAgeSeconds - one.oldestAgeSeconds);
  const age = { oldestAgeSeconds: oldest?.oldestAgeSeconds ?? 0, oldestQueue: oldest?.name };
  const summary = { kind: 'swept', complete, ...totals, ...age, ms };
  if (complete) log.info('Swept', summary);
  else log.warn('Sweep incomplete: the next run continues', summary);
}

/** Logs an error that stopped a part of a sweep. */
export function logSweepFailure(log: Log): NonNullable<SweepOptions['onFailure']> {
  return (thrown, queue) => log.error('A part of the sweep failed', { kind: 'defect', queue }, thrown);
}
