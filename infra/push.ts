/** What delivers messages to functions and URLs: the dispatch function, and the triggers, alarms and metrics that belong to it. */
import type { Duration } from 'aws-cdk-lib';
import type { Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Alarms } from './alarms.ts';
import { addDispatchTo } from './dashboard.ts';
import type { Functions } from './functions.ts';
import type { Metrics } from './metrics.ts';
import type { NodeFunction } from './node-function.ts';
import { triggerByStreams } from './stream-triggers.ts';
import type { Tables } from './tables.ts';

export interface PushParts {
  functions: Functions;
  tables: Tables;
  metrics: Metrics;
  alarms: Alarms;
  dashboard: Dashboard;
}

/** The function's name in alarms and metrics. */
const name = 'Dispatch';

/** Adds it all to a deployment, once. Returns the function. */
export function addPush({ functions, tables, metrics, alarms, dashboard }: PushParts): NodeFunction {
  const dispatch = functions.addDispatch();
  triggerByStreams(dispatch, tables);
  metrics.addDispatch(name, dispatch);
  alarms.addDispatch(name, dispatch, metrics);
  addDispatchTo(dashboard, dispatch, metrics);
  return dispatch;
}

/** What is left to a delivery that the dispatch function begins last: two thirds of its time, less what it needs to give messages back. */
const consumerSecondsMax = 9 * 60;

/** Throws if the function may run longer than the dispatch function waits: its messages would be given back, and delivered again. */
export function checkRunTime(at: string, fn: IFunction): void {
  const { timeout } = fn as { timeout?: Duration };
  if (timeout === undefined || timeout.isUnresolved() || timeout.toSeconds() <= consumerSecondsMax) return;
  const given = `it may run for ${timeout.toSeconds()} s`;
  throw new Error(`${at}: the timeout of the consumer ${fn.node.path} must be at most ${consumerSecondsMax} s; ${given}.`);
}
