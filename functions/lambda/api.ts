/**
 * Lambda entry: serves every operation, by API Gateway events and by direct invocation.
 * This folder holds the Lambda entries (`api`, `sqs`, `sweep`, `redrive`, `dispatch`, `wake`, `declare-queues`) and the code that only they use.
 */

import { createAuthenticate } from '../auth/authenticate.ts';
import { createApp } from '../http/app.ts';
import { createService } from '../service/service.ts';
import { timeLeft } from '../service/time-left.ts';
import { consoleFiles } from './console-files.ts';
import type { LambdaContext } from './context.ts';
import { createEnvironment } from './environment.ts';
import { answerOf, type GatewayAnswer, isGatewayEvent, requestOf } from './gateway-event.ts';
import { answerInvocation, type InvocationAnswer } from './invocation.ts';

const environment = createEnvironment('dumbwaiter-api');
const { engine, keys, secrets, targets, stats, status, audit, queueRows, adminKey, invokeScopes, wakeUrl, clock } = environment;
const { log, countAnswer, flushCounts } = environment;
const service = createService({
  ...{ engine, keys, secrets, targets, stats, status, audit, queueRows, environment: environment.environment },
  ...(wakeUrl && { wakeUrl }),
});
const authenticate = createAuthenticate({ keys, adminKey });
const app = createApp({
  ...{ service, authenticate, log, countAnswer, newRequestId: () => crypto.randomUUID() },
  ...(environment.hasConsole && { consoleFiles }),
});

export async function handler(event: unknown, context: LambdaContext): Promise<GatewayAnswer | InvocationAnswer> {
  log.begin(context);
  const answer = await answerTo(event, context);
  await flushCounts();
  return answer;
}

async function answerTo(event: unknown, context: LambdaContext): Promise<GatewayAnswer | InvocationAnswer> {
  const left = timeLeft(context, clock);
  if (isGatewayEvent(event)) {
    const { request, bindings } = requestOf(event);
    return answerOf(await app.fetch(request, { ...bindings, left }));
  }
  // API keys do not apply here. Every caller that IAM lets invoke this function has the function's scopes, on all queues.
  const principal = { id: 'iam', scopes: invokeScopes, queues: ['*'], topics: ['*'] };
  return answerInvocation(event, { service, principal, log, countAnswer, requestId: context.awsRequestId, left });
}
