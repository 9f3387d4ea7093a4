/** Lambda entry: serves the SQS API, by API Gateway events. Its calls are signed with access keys. */
import { DumbwaiterError } from '../../contract/errors.ts';
import { problemOf, refusalOf } from '../errors/refusal.ts';
import { createService } from '../service/service.ts';
import { timeLeft } from '../service/time-left.ts';
import { createAuthenticateSqs } from '../sqs/authenticate.ts';
import { createSqsFace } from '../sqs/face.ts';
import type { LambdaContext } from './context.ts';
import { createEnvironment } from './environment.ts';
import { answerOf, type GatewayAnswer, type GatewayEvent, requestOf } from './gateway-event.ts';

const { engine, keys, secrets, targets, stats, status, audit, queueRows, clock, log, countAnswer, flushCounts } =
  createEnvironment('dumbwaiter-sqs');
const face = createSqsFace({
  service: createService({ engine, keys, secrets, targets, stats, status, audit, queueRows }),
  engine,
  queues: queueRows,
  clock,
  log,
  countAnswer,
  newRequestId: () => crypto.randomUUID(),
  authenticate: createAuthenticateSqs({ keys, clock, isAnonymous: false }),
});

export async function handler(event: GatewayEvent, context: LambdaContext): Promise<GatewayAnswer> {
  log.begin(context);
  const { request, bindings } = requestOf(event);
  if (!face.takes(request)) return notFound(event);
  const answer = await answerOf(await face.fetch(request, { ...bindings, left: timeLeft(context, clock) }));
  await flushCounts();
  return answer;
}

/** Every path outside the HTTP API comes here, so other requests do, too. */
function notFound({ rawPath, requestContext: { requestId } }: GatewayEvent): GatewayAnswer {
  const message = `There is no path ${rawPath.slice(0, 200)} for this request; see /v1/openapi.json. SQS is called by POST.`;
  const refusal = refusalOf(new DumbwaiterError('not_found', message), requestId, log);
  const { text, headers } = problemOf(refusal);
  return { statusCode: refusal.status, headers, body: text };
}
