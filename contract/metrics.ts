/**
 * The names of the CloudWatch metrics that the functions print. `functions/metrics/emf.ts` prints them; the construct makes metrics, alarms and
 * the dashboard of the same table.
 */

/** The dimension of metrics of one queue. */
export const queueDimension = 'queue';
/** The dimension of `availabilityMetric`. */
export const operationDimension = 'operation';

export interface MetricTerms {
  readonly name: string;
  readonly unit: 'Count' | 'Seconds' | 'Percent';
  /** The statistic that answers most questions. */
  readonly statistic: string;
  /** Whether it is also summed up over all queues, without a dimension. */
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

/** For each answered call: 100, or 0 if the answer was an error of the server (5xx). So its average is the availability. */
export const availabilityMetric: MetricTerms = { name: 'Availability', unit: 'Percent', statistic: 'Average', hasTotal: true };
