/** The stack that `npm run deploy` deploys: one Dumbwaiter, configured by CDK context. */
import { type App, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { DomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { Environment } from '../contract/contract.ts';
import { environmentOf } from '../contract/environment.ts';
import { Dumbwaiter } from './dumbwaiter.ts';

/**
 * Context values (`-c name=value`, or cdk.json):
 * - `stack`: the stack's name; default `Dumbwaiter`.
 * - `queues`, `topics`, `schedules`: JSON of the construct's props of these names.
 * - `domain`, `certificate`: a domain name and the ARN of its certificate in ACM; give both or neither.
 * - `receiveConcurrency`, `sqsConcurrency`: a number, as in the construct's props.
 * - `disableExecuteApiEndpoint=true`, `reserveSweepConcurrency=true`, `push=true`, `wakeUps=true`, `sqs=true`, `console=true`: as in the construct's props.
 * - `environment`: `NAME` or `NAME:COLOR`, as in the construct's prop.
 * - `pushAllowedHosts`: hosts separated by commas, as in the construct's prop.
 * - `removable=true`: `cdk destroy` deletes everything, including all messages.
 */
export function addStack(app: App): Stack {
  const context = (name: string): unknown => app.node.tryGetContext(name);
  const stack = new Stack(app, String(context('stack') ?? 'Dumbwaiter'), {
    description: 'Dumbwaiter: a message queue on DynamoDB, Lambda and API Gateway',
  });
  const isOn = (name: string) => String(context(name)) === 'true';
  const removable = isOn('removable');
  const domain = domainIn(stack, context('domain'), context('certificate'));
  const declared = (name: string) => {
    const given = context(name) ?? {};
    return typeof given === 'string' ? JSON.parse(given) : given;
  };
  new Dumbwaiter(stack, 'Dumbwaiter', {
    queues: declared('queues'),
    topics: declared('topics'),
    schedules: declared('schedules'),
    ...(domain === undefined ? {} : { domainName: domain }),
    disableExecuteApiEndpoint: isOn('disableExecuteApiEndpoint'),
    reserveSweepConcurrency: isOn('reserveSweepConcurrency'),
    ...concurrencyIn('receiveConcurrency', context),
    ...concurrencyIn('sqsConcurrency', context),
    sqs: isOn('sqs'),
    console: isOn('console'),
    ...environmentIn(context('environment')),
    push: isOn('push'),
    wakeUps: isOn('wakeUps'),
    pushAllowedHosts: String(context('pushAllowedHosts') ?? '')
      .split(',')
      .filter((host) => host !== ''),
    deletionProtection: !removable,
    ...(removable ? { removalPolicy: RemovalPolicy.DESTROY } : {}),
  });
  return stack;
}

function environmentIn(text: unknown): { environment?: Environment } {
  return text === undefined ? {} : { environment: environmentOf(String(text)) };
}

function concurrencyIn<Name extends string>(name: Name, context: (name: string) => unknown): { [name in Name]?: number } {
  const value = context(name);
  if (value === undefined) return {};
  const concurrency = Number(value);
  if (Number.isInteger(concurrency) && concurrency >= 1) return { [name]: concurrency } as { [name in Name]: number };
  throw new Error(`The context ${name} is ${JSON.stringify(value)}, and must be a whole number of at least 1.`);
}

/** The operator creates the DNS record. The stack's output `DomainTarget` says where it must point. */
function domainIn(stack: Stack, name: unknown, certificateArn: unknown): DomainName | undefined {
  if (name === undefined && certificateArn === undefined) return undefined;
  if (typeof name !== 'string' || typeof certificateArn !== 'string') {
    throw new Error('The context domain (a name) and certificate (the ARN of its certificate in ACM) are given together.');
  }
  const certificate = Certificate.fromCertificateArn(stack, 'Certificate', certificateArn);
  const domain = new DomainName(stack, 'Domain', { domainName: name, certificate });
  const description = 'What the DNS record of the domain must point to';
  new CfnOutput(stack, 'DomainTarget', { value: domain.regionalDomainName, description });
  return domain;
}
