/** What the newest version of aws-cdk-lib has a way of its own for, and the oldest supported one has not. */
import * as cdk from 'aws-cdk-lib';
import type { CfnStage, HttpStage, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Runtime, RuntimeFamily } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IConstruct } from 'constructs';

export const node24 = new Runtime('nodejs24.x', RuntimeFamily.NODEJS, { supportsInlineCode: true });

/** Tells checks of the app, such as cdk-nag, why a finding of theirs is accepted. Without effect where CDK has no such checks. */
export function acknowledge(scope: IConstruct, id: string, reason: string): void {
  const { Validations } = cdk as Partial<typeof cdk>;
  Validations?.of(scope).acknowledge({ id, reason });
}

/** Has a stage write a line of JSON with these fields for each request. */
export function logAccess(stage: HttpStage | WebSocketStage, logs: ILogGroup, fields: Record<string, string>): void {
  const resource = stage.node.defaultChild as CfnStage;
  resource.accessLogSettings = { destinationArn: logs.logGroupArn, format: JSON.stringify(fields) };
}
