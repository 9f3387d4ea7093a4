/** The HTTP API of a deployment, with its stage, custom domain and access log. */
import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { CorsHttpMethod, HttpApi, HttpMethod, HttpStage, type IDomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { OperationName } from '../contract/contract.ts';
import { addresses } from '../contract/routes.ts';
import { acknowledge, logAccess } from './cdk-versions.ts';

export interface PublicApiProps {
  handler: IFunction;
  /** Answers the calls that may wait for a message or for a result. */
  waitingHandler: IFunction;
  /** Answers calls of SQS: all paths outside the HTTP API. Undefined: the deployment does not serve SQS. */
  sqsHandler: IFunction | undefined;
  hasConsole: boolean;
  requestsPerSecond: number;
  burst: number;
  allowedOrigins: readonly string[];
  logRetention: RetentionDays;
  removalPolicy: RemovalPolicy;
  domainName: IDomainName | undefined;
  disableExecuteApiEndpoint: boolean;
}

/** The operations with `waitSeconds`. */
const waiting = ['receive', 'getMessage'] as const satisfies OperationName[];

/** Every path of the HTTP API. */
const apiPaths = '/v1/{proxy+}';
const consolePaths = ['/console', '/console/{proxy+}'];

/**
 * Every path goes to one of two functions, which route requests and check API keys: calls that may wait have a function to themselves, so that
 * they never use up the concurrency that the other calls need. SQS has a third: its calls may wait, too, and all have the same path.
 */
export class PublicApi extends Construct {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly accessLogs: LogGroup;
  /** Base URL: the custom domain, if there is one. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: PublicApiProps) {
    super(scope, id);
    const { domainName, disableExecuteApiEndpoint } = props;
    if (disableExecuteApiEndpoint && domainName === undefined) {
      throw new Error(`${this.node.path}: disableExecuteApiEndpoint needs a domainName: nothing else would reach the API`);
    }
    this.accessLogs = new LogGroup(this, 'AccessLogs', { retention: props.logRetention, removalPolicy: props.removalPolicy });
    const handler = new HttpLambdaIntegration('Handler', props.handler);
    this.api = new HttpApi(this, 'Api', {
      description: 'Dumbwaiter: message queues over HTTP',
      createDefaultStage: false,
      disableExecuteApiEndpoint,
      defaultIntegration: props.sqsHandler ? new HttpLambdaIntegration('SqsHandler', props.sqsHandler) : handler,
      ...(props.allowedOrigins.length === 0 ? {} : { corsPreflight: crossOrigin(props.allowedOrigins) }),
    });
    const waitingIntegration = new HttpLambdaIntegration('WaitingHandler', props.waitingHandler);
    for (const operation of waiting) {
      const { method, path } = addresses[operation];
      this.api.addRoutes({ path, methods: [HttpMethod[method]], integration: waitingIntegration });
    }
    if (props.sqsHandler) {
      this.api.addRoutes({ path: apiPaths, methods: [HttpMethod.ANY], integration: handler });
      for (const path of props.hasConsole ? consolePaths : []) {
        this.api.addRoutes({ path, methods: [HttpMethod.GET], integration: handler });
      }
    }
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: props.requestsPerSecond, burstLimit: props.burst },
      ...(domainName === undefined ? {} : { domainMapping: { domainName } }),
    });
    logAccess(this.stage, this.accessLogs, accessLogLine);
    this.url = domainName === undefined ? this.api.apiEndpoint : `https://${domainName.name}`;
    acknowledge(
      this.api,
      'AwsSolutions-APIG4',
      'The functions check the API key or the signature of every call but /v1/health and the files of the console; the keys live in their table, so an authorizer would read the same rows twice.',
    );
  }
}

/** One line of JSON per request. It contains no bodies and no headers, so no messages and no keys. */
const accessLogLine = {
  requestId: '$context.requestId',
  at: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  responseBytes: '$context.responseLength',
  latencyMs: '$context.responseLatency',
  integrationStatus: '$context.integrationStatus',
  integrationError: '$context.integrationErrorMessage',
};

function crossOrigin(allowOrigins: readonly string[]) {
  return {
    allowOrigins: [...allowOrigins],
    allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.PUT, CorsHttpMethod.POST, CorsHttpMethod.PATCH, CorsHttpMethod.DELETE],
    allowHeaders: ['authorization', 'content-type'],
    exposeHeaders: ['retry-after', 'x-request-id'],
    maxAge: Duration.hours(1),
  };
}
