/** The CloudWatch dashboard of a deployment. */
import type { HttpStage, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import {
  availabilityMetric,
  type LogMetric,
  operationDimension,
  type QueueMetric,
  queueDimension,
  queueMetrics,
  type TopicMetric,
  topicDimension,
  topicMetrics,
} from '../contract/metrics.ts';
import type { Alarms } from './alarms.ts';
import type { Metrics } from './metrics.ts';
import type { NodeFunction } from './node-function.ts';
import type { Tables } from './tables.ts';

export interface DashboardParts {
  alarms: Alarms;
  functions: ReadonlyMap<string, NodeFunction>;
  stage: HttpStage;
  metrics: Metrics;
  tables: Tables;
}

const errors: readonly LogMetric[] = [
  'defects',
  'unavailable',
  'anomalies',
  'schedulesFailed',
  'tasksStalled',
  'sweepsIncomplete',
  'declarationsFailed',
];
const columns = 24;
const height = 6;

/** Shows first what an operator needs first: alarms, then the queues, the API, the functions and the tables. */
export function addDashboard(
  scope: Construct,
  id: string,
  { alarms, functions, stage, metrics, tables }: DashboardParts,
): Dashboard {
  const each = (metric: (part: NodeFunction) => IMetric) => [...functions.values()].map(metric);
  const tableList = [tables.messages, tables.leases, tables.queues];
  /** Metrics of each table, and of the index of due leases, which DynamoDB meters and throttles separately. */
  const capacity = (metricName: string) => [
    ...tableList.map((table) => table.metric(metricName, { statistic: 'Sum' })),
    tables.dueMetric(metricName, 'due'),
  ];
  const ofEachQueue = (what: QueueMetric) => metrics.each(queueDimension, queueMetrics[what].name, queueMetrics[what].statistic);
  const ofEachTopic = (what: TopicMetric) => metrics.each(topicDimension, topicMetrics[what].name, topicMetrics[what].statistic);
  const percentilesOf = (what: QueueMetric) =>
    ['p50', 'p95', 'p99'].map((statistic) => metrics.total(what, { statistic, label: statistic }));
  const dashboard = new Dashboard(scope, id);
  dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms: alarms.all, width: columns, height: 4 }));
  dashboard.addWidgets(
    ...row(
      graph('Dead-lettered and expired messages', [metrics.ofLog('deadLettered'), metrics.ofLog('expired')]),
      graph('Age of the oldest waiting message, seconds', [metrics.ofLog('oldestAge'), ofEachQueue('oldestAge')]),
      graph(
        'Errors',
        errors.map((what) => metrics.ofLog(what)),
      ),
    ),
    ...row(
      graph('Messages', [metrics.total('published'), metrics.total('received'), metrics.total('acked'), metrics.total('failed')]),
      graph('Waiting time, from publish to receive, seconds', percentilesOf('waiting')),
      graph('Handling time, from receive to ack, seconds', percentilesOf('handling')),
    ),
    ...row(
      graph('Messages that ended by an ack, %', [handledWell(metrics)]),
      graph('Calls answered without an error of the server, %', [
        metrics.availability(),
        metrics.each(operationDimension, availabilityMetric.name, availabilityMetric.statistic),
      ]),
      graph('Receives that found nothing', [metrics.total('emptyReceives')]),
    ),
    ...row(
      graph('Ready messages', [ofEachQueue('ready')]),
      graph('Leased messages', [ofEachQueue('leased')]),
      graph('Dead letters', [ofEachQueue('dead')]),
    ),
  );
  dashboard.addWidgets(
    ...row(
      graph('Messages published to topics', [metrics.totalOfTopics('published'), ofEachTopic('published')]),
      graph('Copies that subscriptions got, and that did not match', [
        metrics.totalOfTopics('delivered'),
        metrics.totalOfTopics('filtered'),
      ]),
      graph('Messages that no subscription got', [metrics.totalOfTopics('unmatched'), ofEachTopic('unmatched')]),
      graph('Publishes on their way to subscriptions', [ofEachTopic('undelivered')]),
    ),
  );
  dashboard.addWidgets(
    ...row(
      graph('Requests', [stage.metricCount(), stage.metricClientError(), stage.metricServerError()]),
      graph('Latency, ms', [stage.metricLatency({ statistic: 'p50' }), stage.metricLatency({ statistic: 'p99' })]),
    ),
  );
  dashboard.addWidgets(
    ...row(
      graph(
        'Invocations',
        each(({ function: fn }) => fn.metricInvocations()),
      ),
      graph(
        'Duration p99, ms',
        each(({ function: fn }) => fn.metricDuration({ statistic: 'p99' })),
      ),
      graph('Errors and throttles', [
        ...each(({ function: fn }) => fn.metricErrors()),
        ...each(({ function: fn }) => fn.metricThrottles()),
      ]),
    ),
  );
  dashboard.addWidgets(
    ...row(
      graph('Write units', capacity('ConsumedWriteCapacityUnits')),
      graph('Read units', capacity('ConsumedReadCapacityUnits')),
      graph('Throttled writes', capacity('WriteThrottleEvents')),
      graph('Throttled reads', capacity('ReadThrottleEvents')),
    ),
  );
  return dashboard;
}

/** Of the messages that ended, the share that was acked. The others were dead-lettered, or expired. */
function handledWell(metrics: Metrics): MathExpression {
  const [acked, dead, expired] = [metrics.total('acked'), metrics.ofLog('deadLettered'), metrics.ofLog('expired')];
  return new MathExpression({
    expression: '100 * FILL(acked, 0) / (FILL(acked, 0) + FILL(dead, 0) + FILL(expired, 0))',
    usingMetrics: { acked, dead, expired },
    label: 'acked',
    period: acked.period,
  });
}

/** The row of a deployment with wake-ups. */
export function addWakeTo(dashboard: Dashboard, { function: fn }: NodeFunction, stage: WebSocketStage): void {
  dashboard.addWidgets(
    ...row(
      graph('Connections and messages for wake-ups', [stage.metric('ConnectCount', sum), stage.metric('MessageCount', sum)]),
      graph('Runs of the wake function', [fn.metricInvocations()]),
      graph('Duration of the wake function p99, ms', [fn.metricDuration({ statistic: 'p99' })]),
      graph('Errors and throttles of the wake function', [fn.metricErrors(), fn.metricThrottles()]),
    ),
  );
}

const sum = { statistic: 'Sum' };

/** The row of a deployment that pushes messages. */
export function addDispatchTo(dashboard: Dashboard, { function: fn }: NodeFunction, metrics: Metrics): void {
  dashboard.addWidgets(
    ...row(
      graph('Failed targets', [metrics.ofLog('targetsFailed')]),
      graph('Runs of the dispatcher', [fn.metricInvocations()]),
      graph('Duration of the dispatcher p99, ms', [fn.metricDuration({ statistic: 'p99' })]),
      graph('Errors and throttles of the dispatcher', [fn.metricErrors(), fn.metricThrottles()]),
    ),
  );
}

function graph(title: string, left: IMetric[]): (width: number) => IWidget {
  return (width) => new GraphWidget({ title, left, width, height });
}

/** Places widgets side by side over the whole width. */
function row(...widgets: ((width: number) => IWidget)[]): IWidget[] {
  return widgets.map((widget) => widget(columns / widgets.length));
}
