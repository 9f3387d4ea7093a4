/**
 * Prints what happened as CloudWatch metrics, in lines of the embedded metric format, which CloudWatch reads from the log of a function:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
import type { Counts } from '../../contract/contract.ts';
import {
  availabilityMetric,
  depthStates,
  type MetricTerms,
  operationDimension,
  type QueueMetric,
  queueDimension,
  queueMetrics,
} from '../../contract/metrics.ts';
import type { Clock } from '../../engine/port/port.ts';
import type { Meter } from './measured-engine.ts';

/** Limit of the format, for the values of one metric in one line. */
const valuesMax = 100;
/** How long counts of receives that found nothing may wait to be printed, ms. A line for each such receive would cost too much. */
const idleMs = 60_000;

export interface Emf {
  /** The queues that have metrics of their own. */
  queues: ReadonlySet<string>;
  meter: Meter;
  /** Counts an answered call. */
  answered(operation: string, isAvailable: boolean): void;
  /** Notes how many messages are in a queue that has metrics of its own. */
  depth(queue: string, counts: Counts): void;
  /**
   * Prints what was not printed yet, except for receives that found nothing: once a minute. Call it at the end of each invocation: a function
   * may never run again.
   */
  flush(): void;
}

export interface EmfParts {
  namespace: string;
  /** All others are only in the totals. */
  queues: ReadonlySet<string>;
  clock: Clock;
  print(line: string): void;
}

/** The values of one queue, or of all queues that have no metrics of their own. */
type Values = Partial<Record<QueueMetric, number | number[]>>;

export function createEmf({ namespace, queues, clock, print }: EmfParts): Emf {
  const pending = new Map<string | undefined, Values>();
  const answers = new Map<string, number[]>();
  let idleSince = clock.now();
  let isIdle = true;
  const isOwn = (queue: string) => queues.has(queue);

  function change(queue: string, what: QueueMetric, next: (before: number | number[] | undefined) => number | number[]): void {
    if (!isOwn(queue) && !queueMetrics[what].hasTotal) return;
    if (what !== 'emptyReceives') isIdle = false;
    const key = isOwn(queue) ? queue : undefined;
    const values = pending.get(key) ?? {};
    pending.set(key, values);
    const value = next(values[what]);
    values[what] = value;
    if (typeof value === 'number' || value.length < valuesMax) return;
    pending.delete(key);
    printLine([key, values], undefined);
  }

  function printLine(ofQueue: [string | undefined, Values] | undefined, ofOperation: [string, number[]] | undefined): void {
    const directives: object[] = [];
    const members: Record<string, unknown> = {};
    const add = (terms: readonly MetricTerms[], dimensions: readonly string[][]) => {
      if (terms.length === 0 || dimensions.length === 0) return;
      const metrics = terms.map(({ name, unit }) => ({ Name: name, Unit: unit }));
      directives.push({ Namespace: namespace, Dimensions: dimensions, Metrics: metrics });
    };
    if (ofQueue) {
      const [queue, values] = ofQueue;
      const own = queue === undefined ? [] : [[queueDimension]];
      const terms = (Object.keys(values) as QueueMetric[]).map((what) => queueMetrics[what] as MetricTerms);
      const [inTotal, ownOnly] = [terms.filter(({ hasTotal }) => hasTotal), terms.filter(({ hasTotal }) => !hasTotal)];
      add(inTotal, [[], ...own]);
      add(ownOnly, own);
      if (queue !== undefined) members[queueDimension] = queue;
      for (const what of Object.keys(values) as QueueMetric[]) members[queueMetrics[what].name] = values[what];
    }
    if (ofOperation) {
      add([availabilityMetric], [[], [operationDimension]]);
      [members[operationDimension], members[availabilityMetric.name]] = ofOperation;
    }
    print(JSON.stringify({ _aws: { Timestamp: clock.now(), CloudWatchMetrics: directives }, ...members }));
  }

  return {
    queues,
    meter: {
      counted: (queue, what, messages) => change(queue, what, (before = 0) => (before as number) + messages),
      timed: (queue, what, seconds) => change(queue, what, (before = []) => [...(before as number[]), seconds]),
    },
    answered(operation, isAvailable) {
      const values = [...(answers.get(operation) ?? []), isAvailable ? 100 : 0];
      answers.set(operation, values);
      if (operation !== 'receive' || !isAvailable) isIdle = false;
      if (values.length < valuesMax) return;
      answers.delete(operation);
      printLine(undefined, [operation, values]);
    },
    depth(queue, counts) {
      for (const state of depthStates) {
        // A metric with data costs money: states that few queues use are left out while no message is in them.
        if (counts[state] > 0 || state === 'ready' || state === 'leased') change(queue, state, () => counts[state]);
      }
      change(queue, 'oldestAge', () => counts.oldestAgeSeconds ?? 0);
    },
    flush() {
      if (isIdle && clock.now() - idleSince < idleMs) return;
      isIdle = true;
      idleSince = clock.now();
      const [ofQueues, ofOperations] = [[...pending], [...answers]];
      pending.clear();
      answers.clear();
      for (let line = 0; line < Math.max(ofQueues.length, ofOperations.length); line++) {
        printLine(ofQueues[line], ofOperations[line]);
      }
    },
  };
}
