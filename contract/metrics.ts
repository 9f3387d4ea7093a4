/**
 * The metrics in CloudWatch. The functions print some (`functions/metrics/emf.ts`), and metric filters make others of what the functions log.
 * The construct makes metrics, filters, alarms and the dashboard of the same tables.
 */

/** The dimension of metrics of one queue. */
export const queueDimension = 'queue';
/** The dimension of metrics of one topic. */
export const topicDimension = 'topic';
/** The dimension of `availabilityMetric`. */
export const operationDimension = 'operation';

export interface MetricTerms {
  readonly name: string;
  readonly unit: 'Count' | 'Seconds' | 'Percent';
  /** The statistic that answers most questions. */
  readonly statistic: string;
  /** Whether it is also summed up over all queues, or all topics, without a dimension. */
  readonly hasTotal: boolean;
}

const count = (name: string, hasTotal: boolean): MetricTerms => ({ name, unit: 'Count', statistic: 'Sum', hasTotal });
const time = (name: string): MetricTerms => ({ name, unit: 'Seconds', statistic: 'p95', hasTotal: true });
const depth = (name: string): MetricTerms => ({ name, unit: 'Count', statistic: 'Maximum', hasTotal: false });

/** What happened in a queue, and what the sweep counts in it. */
export const queueMetrics = {
  published: count('Published', true),
  received: count('Received', true),
  acked: count('Acked', true),
  failed: count('Failed', true),
  // Of these two, metric filters make the totals: their log lines are written although the function is ended before it prints its metrics.
  expired: count('Expired', false),
  deadLettered: count('DeadLettered', false),
  emptyReceives: count('EmptyReceives', true),
  waiting: time('WaitingSeconds'),
  handling: time('HandlingSeconds'),
  ready: depth('ReadyMessages'),
  delayed: depth('DelayedMessages'),
  leased: depth('LeasedMessages'),
  dead: depth('DeadMessages'),
  prepared: depth('PreparedMessages'),
  oldestAge: { name: 'OldestAgeSeconds', unit: 'Seconds', statistic: 'Maximum', hasTotal: false },
} as const satisfies { [what: string]: MetricTerms };
export type QueueMetric = keyof typeof queueMetrics;

/** The states of messages that the sweep counts. */
export const depthStates = ['ready', 'delayed', 'leased', 'dead', 'prepared'] as const;
export type DepthState = (typeof depthStates)[number];

/** What was published to a topic, and what the sweep finds on its way to the subscriptions. */
export const topicMetrics = {
  published: count('TopicPublished', true),
  delivered: count('TopicDelivered', true),
  filtered: count('TopicFiltered', true),
  unmatched: count('TopicUnmatched', true),
  undelivered: depth('TopicUndelivered'),
  oldestAge: { name: 'TopicOldestAgeSeconds', unit: 'Seconds', statistic: 'Maximum', hasTotal: false },
} as const satisfies { [what: string]: MetricTerms };
export type TopicMetric = keyof typeof topicMetrics;

/** For each answered call: 100, or 0 if the answer was an error of the server (5xx). So its average is the availability. */
export const availabilityMetric: MetricTerms = { name: 'Availability', unit: 'Percent', statistic: 'Average', hasTotal: true };

/** What a function does decides what its log may have. */
export type Role = 'engine' | 'callable' | 'sweep' | 'declareQueues' | 'dispatch' | 'wake';

export interface LogMetricTerms {
  name: string;
  /** The `kind` of the lines that count. `field`: the field that they add up; by default each line counts 1. */
  kind: string;
  field?: string;
  statistic?: string;
  /** A field that must be false in lines that count. */
  unless?: string;
  roles: readonly Role[];
}

/** The metrics of all queues together that are made of log lines. */
export const logMetrics = {
  /** Messages that were dead-lettered, by a receive, a release, a delivery or the sweep. */
  deadLettered: { name: 'DeadLettered', kind: 'dead_lettered', field: 'messages', roles: ['engine'] },
  /** Messages that expired. */
  expired: { name: 'Expired', kind: 'expired', field: 'messages', roles: ['engine'] },
  /** Events that the engine's rules make impossible, or nearly. */
  anomalies: { name: 'Anomalies', kind: 'anomaly', roles: ['engine'] },
  /** Errors that nothing expected: calls answered with `internal`, and work without a caller that failed. */
  defects: { name: 'Defects', kind: 'defect', roles: ['engine', 'wake'] },
  /** Calls answered with another 5xx, over HTTP or by invocation. */
  unavailable: { name: 'Unavailable', kind: 'unavailable', roles: ['callable', 'wake'] },
  /** Schedules whose ticks could not be published. */
  schedulesFailed: { name: 'SchedulesFailed', kind: 'schedule_failed', roles: ['sweep'] },
  /** Stalled redrive tasks, each time that the sweep restarts one. */
  tasksStalled: { name: 'TasksStalled', kind: 'redrive_stalled', roles: ['sweep'] },
  /** Runs of the sweep that left work to the next run. */
  sweepsIncomplete: { name: 'SweepsIncomplete', kind: 'swept', unless: 'complete', roles: ['sweep'] },
  /** Age in seconds of the oldest waiting message of all queues except dead-letter queues. */
  oldestAge: {
    name: queueMetrics.oldestAge.name,
    kind: 'swept',
    field: 'oldestAgeSeconds',
    statistic: 'Maximum',
    roles: ['sweep'],
  },
  /** Deployments whose queues, topics or schedules were refused. */
  declarationsFailed: { name: 'DeclarationsFailed', kind: 'declaration_failed', roles: ['declareQueues'] },
  /** Targets that failed so often that they get no messages for a while, and URLs that ended their target. */
  targetsFailed: { name: 'TargetsFailed', kind: 'target_failed', roles: ['dispatch'] },
} as const satisfies { [what: string]: LogMetricTerms };
export type LogMetric = keyof typeof logMetrics;
