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
  type TopicMetric,
  topicDimension,
  topicMetrics,
} from '../../contract/metrics.ts';
import type { SweepReport } from '../../engine/engine.ts';
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
  /** Notes which publishes still go out to subscriptions. */
  undelivered(topics: SweepReport['topics']): void;
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
  topics: ReadonlySet<string>;
  clock: Clock;
  print(line: string): void;
}

type Value = number | number[];
type Metrics<What extends string> = Readonly<Record<What, MetricTerms>>;
/** The values of one queue or topic, or of all that have no metrics of their own. */
type Values<What extends string> = Partial<Record<What, Value>>;

/** What one queue, topic or operation has in a line. */
interface Part {
  directives: { terms: readonly MetricTerms[]; dimensions: readonly string[][] }[];
  members: Record<string, unknown>;
}

export function createEmf({ namespace, queues, topics, clock, print }: EmfParts): Emf {
  const ofQueues = createValues(queueDimension, queueMetrics, queues, printLine);
  const ofTopics = createValues(topicDimension, topicMetrics, topics, printLine);
  const answers = new Map<string, number[]>();
  let idleSince = clock.now();
  let isIdle = true;

  function printLine(...parts: readonly Part[]): void {
    const directives = parts
      .flatMap((part) => part.directives)
      .filter(({ terms, dimensions }) => terms.length > 0 && dimensions.length > 0)
      .map(({ terms, dimensions }) => ({
        Namespace: namespace,
        Dimensions: dimensions,
        Metrics: terms.map(({ name, unit }) => ({ Name: name, Unit: unit })),
      }));
    const members = Object.assign({}, ...parts.map((part) => part.members));
    print(JSON.stringify({ _aws: { Timestamp: clock.now(), CloudWatchMetrics: directives }, ...members }));
  }

  function changeQueue(queue: string, what: QueueMetric, next: (before: Value | undefined) => Value): void {
    if (ofQueues.change(queue, what, next) && what !== 'emptyReceives') isIdle = false;
  }

  function changeTopic(topic: string, what: TopicMetric, next: (before: Value | undefined) => Value): void {
    if (ofTopics.change(topic, what, next)) isIdle = false;
  }

  const add =
    (messages: number) =>
    (before: Value = 0) =>
      (before as number) + messages;

  return {
    queues,
    meter: {
      counted: (queue, what, messages) => changeQueue(queue, what, add(messages)),
      timed: (queue, what, seconds) => changeQueue(queue, what, (before = []) => [...(before as number[]), seconds]),
      topicCounted: (topic, what, messages) => changeTopic(topic, what, add(messages)),
    },
    answered(operation, isAvailable) {
      const values = [...(answers.get(operation) ?? []), isAvailable ? 100 : 0];
      answers.set(operation, values);
      if (operation !== 'receive' || !isAvailable) isIdle = false;
      if (values.length < valuesMax) return;
      answers.delete(operation);
      printLine(answerPart(operation, values));
    },
    depth(queue, counts) {
      for (const state of depthStates) {
        // A metric with data costs money: states that few queues use are left out while no message is in them.
        if (counts[state] > 0 || state === 'ready' || state === 'leased') changeQueue(queue, state, () => counts[state]);
      }
      changeQueue(queue, 'oldestAge', () => counts.oldestAgeSeconds ?? 0);
    },
    undelivered(found) {
      for (const { name, undelivered, oldestAgeSeconds } of found) {
        changeTopic(name, 'undelivered', () => undelivered);
        changeTopic(name, 'oldestAge', () => oldestAgeSeconds);
      }
    },
    flush() {
      if (isIdle && clock.now() - idleSince < idleMs) return;
      isIdle = true;
      idleSince = clock.now();
      const ofAnswers = [...answers].map(([operation, values]) => answerPart(operation, values));
      answers.clear();
      const columns = [ofQueues.take(), ofTopics.take(), ofAnswers];
      for (let line = 0; line < Math.max(...columns.map(({ length }) => length)); line++) {
        printLine(...columns.flatMap((parts) => parts[line] ?? []));
      }
    },
  };
}

/** Keeps the values of queues, or of topics, until they are printed. `names`: those that have metrics of their own. */
function createValues<What extends string>(
  dimension: string,
  metrics: Metrics<What>,
  names: ReadonlySet<string>,
  print: (part: Part) => void,
) {
  const pending = new Map<string | undefined, Values<What>>();

  function partOf([name, values]: [string | undefined, Values<What>]): Part {
    const own = name === undefined ? [] : [[dimension]];
    const entries = (Object.keys(values) as What[]).map((what) => [metrics[what], values[what]] as const);
    const terms = entries.map(([metric]) => metric);
    return {
      directives: [
        { terms: terms.filter(({ hasTotal }) => hasTotal), dimensions: [[], ...own] },
        { terms: terms.filter(({ hasTotal }) => !hasTotal), dimensions: own },
      ],
      members: {
        ...(name !== undefined && { [dimension]: name }),
        ...Object.fromEntries(entries.map(([metric, value]) => [metric.name, value])),
      },
    };
  }

  return {
    /** Returns false if no metric shows the value. */
    change(name: string, what: What, next: (before: Value | undefined) => Value): boolean {
      const isOwn = names.has(name);
      if (!isOwn && !metrics[what].hasTotal) return false;
      const key = isOwn ? name : undefined;
      const values: Values<What> = pending.get(key) ?? {};
      pending.set(key, values);
      const value = next(values[what]);
      values[what] = value;
      if (typeof value !== 'number' && value.length >= valuesMax) {
        pending.delete(key);
        print(partOf([key, values]));
      }
      return true;
    },
    /** Everything that was not printed yet. */
    take(): Part[] {
      const parts = [...pending].map(partOf);
      pending.clear();
      return parts;
    },
  };
}

function answerPart(operation: string, values: readonly number[]): Part {
  return {
    directives: [{ terms: [availabilityMetric], dimensions: [[], [operationDimension]] }],
    members: { [operationDimension]: operation, [availabilityMetric.name]: values },
  };
}
