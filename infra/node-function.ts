/** A Lambda function made of the bundle. All functions have the same code, and each its own handler. */
import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, type RecursiveLoop, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge, node24 } from './cdk-versions.ts';
import { type FunctionEntry, functionCode } from './entries.ts';

export interface NodeFunctionProps {
  entry: FunctionEntry;
  description: string;
  /** Memory in MB. */
  memorySize: number;
  timeout: Duration;
  environment: Record<string, string>;
  /** Default: the bundle alone. */
  code?: Code | undefined;
  logRetention: RetentionDays;
  removalPolicy: RemovalPolicy;
  reservedConcurrentExecutions?: number;
  recursiveLoop?: RecursiveLoop;
  /** How often Lambda retries an asynchronous invocation that failed. */
  retryAttempts?: number;
  /** How long Lambda keeps an asynchronous invocation that it cannot run. */
  maxEventAge?: Duration;
  /** Whether X-Ray traces it. */
  tracing?: boolean;
}

/** An entry as a function, with its own log group and role. The role initially allows only writing to that log group. */
export class NodeFunction extends Construct {
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;
  readonly role: Role;

  constructor(
    scope: Construct,
    id: string,
    { entry, code, logRetention, removalPolicy, environment, tracing = false, ...props }: NodeFunctionProps,
  ) {
    super(scope, id);
    this.logGroup = new LogGroup(this, 'Logs', { retention: logRetention, removalPolicy });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.function = new LambdaFunction(this, 'Function', {
      ...props,
      runtime: node24,
      architecture: Architecture.ARM_64,
      code: code ?? bundleAlone(),
      handler: `${entry}.handler`,
      role: this.role,
      logGroup: this.logGroup,
      ...(tracing && { tracing: Tracing.ACTIVE }),
      environment: { NODE_OPTIONS: '--enable-source-maps', ...environment },
    });
    if (tracing) {
      acknowledge(this.role, 'AwsSolutions-IAM5[Resource::*]', 'X-Ray has no resources that a policy could name.');
    }
    this.allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [this.logGroup.logGroupArn]);
  }

  allow(actions: readonly string[], resources: readonly string[], conditions?: Record<string, Record<string, string[]>>): void {
    const statement = { actions: [...actions], resources: [...resources], ...(conditions && { conditions }) };
    this.role.addToPolicy(new PolicyStatement(statement));
  }
}

function bundleAlone(): Code {
  const { folder, exclude } = functionCode();
  return Code.fromAsset(folder, { exclude });
}

/** By a separate policy: the role's default policy is created before the function, so it cannot name the function. */
export function allowItself(scope: Construct, id: string, { role, function: { functionArn } }: NodeFunction): void {
  const statement = new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] });
  new Policy(scope, id, { roles: [role], statements: [statement] });
}
