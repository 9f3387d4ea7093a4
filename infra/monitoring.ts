/** The metrics, alarms and dashboard of a deployment. */
import { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import { addDashboard } from './dashboard.ts';
import type { DumbwaiterProps } from './dumbwaiter-props.ts';
import type { Functions } from './functions.ts';
import { Metrics } from './metrics.ts';
import { checkMonitoring } from './monitoring-options.ts';
import type { Tables } from './tables.ts';

export interface MonitoredParts {
  functions: Functions;
  tables: Tables;
  stage: HttpStage;
}

export interface Monitoring {
  metrics: Metrics;
  alarms: Alarms;
  dashboard: Dashboard;
}

const oldestAgeDefault = Duration.hours(1);

export function addMonitoring(
  scope: Construct,
  props: DumbwaiterProps,
  { functions, tables, stage }: MonitoredParts,
): Monitoring {
  const { queueMetricsMax, topicMetricsMax, thresholds } = checkMonitoring(scope.node.path, props.monitoring ?? {});
  const { sweep, declareQueues } = functions;
  const metrics = new Metrics(scope, 'Metrics', {
    engines: functions.engines(),
    callable: functions.callable(),
    // Only when the template is made: what is declared has been checked by then.
    queues: () => declaredQueues(props).slice(0, queueMetricsMax),
    topics: () => Object.keys(props.topics ?? {}).slice(0, topicMetricsMax),
    sweep,
    declareQueues,
  });
  const all = functions.all();
  const alarms = new Alarms(scope, 'Alarms', {
    functions: all,
    sweep,
    stage,
    metrics,
    tables,
    oldestAgeMax: props.oldestAgeAlarm ?? oldestAgeDefault,
    thresholds,
    topic: props.alarmTopic,
  });
  const dashboard = addDashboard(scope, 'Dashboard', { alarms, functions: all, stage, metrics, tables });
  return { metrics, alarms, dashboard };
}

/** The queues that the stack declares, those that subscriptions own among them. */
function declaredQueues({ queues = {}, topics = {} }: DumbwaiterProps): string[] {
  const owned = Object.entries(topics).flatMap(([topic, { subscriptions = {} }]) =>
    Object.entries(subscriptions).flatMap(([name, { queue }]) => (queue === undefined ? [`${topic}~${name}`] : [])),
  );
  return [...Object.keys(queues), ...owned];
}
