/** The options of metrics and alarms. Users see these comments in their editor: state limits and defaults. */
import { checkNames, type Names } from '../contract/names.ts';
import { checkWholeNumber } from './number-checks.ts';

/**
 * The number, within five minutes, from which an alarm is raised. The comments name the alarm; docs/operating.md, "Alarms", says what to do
 * about each.
 */
export interface AlarmThresholds {
  /**
   * `…Errors`: failed runs of one function.
   * @default 1
   */
  readonly functionErrors?: number;
  /**
   * `…Throttles`: runs of one function that Lambda refused.
   * @default 1
   */
  readonly functionThrottles?: number;
  /**
   * `ServerErrors`: answers of the HTTP API with 5xx.
   * @default 1
   */
  readonly serverErrors?: number;
  /**
   * `Defects`: errors that nothing expected, in calls and in work without a caller.
   * @default 1
   */
  readonly defects?: number;
  /**
   * `Unavailable`: calls, or entries of batches, that DynamoDB was too busy or too slow for.
   * @default 1
   */
  readonly unavailable?: number;
  /**
   * `Anomalies`: states that the rules of the queue make impossible, or nearly so.
   * @default 1
   */
  readonly anomalies?: number;
  /**
   * `SchedulesFailed`: schedules whose ticks cannot be published.
   * @default 1
   */
  readonly schedulesFailed?: number;
  /**
   * `DeclarationsFailed`: deployments whose queues, topics or schedules were refused.
   * @default 1
   */
  readonly declarationsFailed?: number;
  /**
   * `DeadLettersGrowing`: messages that were dead-lettered.
   * @default 1
   */
  readonly deadLetters?: number;
  /**
   * `SweepIncomplete`: of five runs of the sweep, those that left work to the next run.
   * @default 3
   */
  readonly sweepsIncomplete?: number;
  /**
   * `TasksStalled`: times that the sweep found a stalled redrive task. It restarts each one once a minute.
   * @default 3
   */
  readonly tasksStalled?: number;
  /**
   * `TargetsFailed`: targets that failed so often that they get no messages for a while.
   * @default 1
   */
  readonly targetsFailed?: number;
  /**
   * `IndexReadsThrottled` and `IndexWritesThrottled`: reads, or writes, that DynamoDB throttled in the index of due leases, in each of three
   * periods of five minutes.
   * @default 100
   */
  readonly indexThrottles?: number;
}

export interface MonitoringOptions {
  /**
   * How many of the queues in `queues` and `topics` have CloudWatch metrics of their own, in the order in which they are declared. So do queues
   * whose metrics the stack uses (`queue('orders').metricDepth()`). All queues together have metrics in any case. CloudWatch charges $0.30 a
   * month for each metric while it has data: about $3 for each busy queue. At most 20.
   * @default 3
   */
  readonly queueMetricsMax?: number;
  /**
   * How many of the topics in `topics` have CloudWatch metrics of their own, in the order in which they are declared. So do topics whose
   * metrics the stack uses (`topic('news').metricPublished()`). All topics together have metrics in any case. CloudWatch charges $0.30 a month
   * for each metric while it has data: about $1 for each busy topic. At most 20.
   * @default 3
   */
  readonly topicMetricsMax?: number;
  /** @default - see each threshold */
  readonly thresholds?: AlarmThresholds;
}

export const thresholdDefaults: Required<AlarmThresholds> = {
  functionErrors: 1,
  functionThrottles: 1,
  serverErrors: 1,
  defects: 1,
  unavailable: 1,
  anomalies: 1,
  schedulesFailed: 1,
  declarationsFailed: 1,
  deadLetters: 1,
  sweepsIncomplete: 3,
  tasksStalled: 3,
  targetsFailed: 1,
  indexThrottles: 100,
};

const metricsMaxDefault = 3;
/** The names are in environment variables of each function. Lambda takes 4 KB for all of them. */
const metricsMaxLimit = 20;

const optionNames: Names<MonitoringOptions> = { queueMetricsMax: true, topicMetricsMax: true, thresholds: true };

/** Throws an error that names the option, its limits and what was given. */
export function checkMonitoring(
  at: string,
  options: MonitoringOptions,
): Required<MonitoringOptions> & { thresholds: Required<AlarmThresholds> } {
  const { queueMetricsMax = metricsMaxDefault, topicMetricsMax = metricsMaxDefault, thresholds = {} } = options;
  checkNames(`${at}: monitoring`, options, optionNames);
  checkNames(`${at}: monitoring.thresholds`, thresholds, thresholdDefaults);
  for (const [name, value] of Object.entries({ queueMetricsMax, topicMetricsMax })) {
    checkWholeNumber(`${at}: monitoring.${name}`, value, 0, metricsMaxLimit);
  }
  for (const [name, value] of Object.entries(thresholds)) {
    if (value !== undefined) checkWholeNumber(`${at}: monitoring.thresholds.${name}`, value, 1);
  }
  const given = Object.fromEntries(Object.entries(thresholds).filter(([, value]) => value !== undefined));
  return { queueMetricsMax, topicMetricsMax, thresholds: { ...thresholdDefaults, ...given } };
}
