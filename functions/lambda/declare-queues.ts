/**
 * Lambda entry: a CloudFormation custom resource that creates the queues, topics, schedules and targets that a stack declares, and updates
 * existing ones. Of what is no longer declared, it removes targets only: the rest stays until it is deleted over the API.
 * Protocol: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import { declareQueues, declareSchedules, parseDeclared } from '../service/declarations.ts';
import { declareTargets, parseDeclaredTargets, removeTargets, undeclared } from '../service/declared-targets.ts';
import { declareTopics, parseDeclaredTopics } from '../service/declared-topics.ts';
import { inTime, type TimeLeft, timeLeft } from '../service/time-left.ts';
import type { LambdaContext } from './context.ts';
import { createEnvironment } from './environment.ts';

interface CloudFormationEvent {
  RequestType: 'Create' | 'Update' | 'Delete';
  ResponseURL: string;
  StackId: string;
  RequestId: string;
  LogicalResourceId: string;
  PhysicalResourceId?: string;
  ResourceProperties: Properties;
  /** Of an update: what the stack declared before. */
  OldResourceProperties?: Partial<Properties>;
}

interface Properties {
  queuesJson: string;
  topicsJson?: string;
  schedulesJson?: string;
  targetsJson?: string;
}

const { engine, targets, clock, log } = createEnvironment('dumbwaiter-declare-queues');
/** CloudFormation accepts a response of at most 4 KB. */
const reasonCharsMax = 1000;
/** Time reserved for the response: CloudFormation gets none from a function that Lambda ends. */
const answerMs = 10_000;

export async function handler(event: CloudFormationEvent, context: LambdaContext): Promise<void> {
  log.begin(context);
  let failure: string | undefined;
  try {
    await declare(event, timeLeft(context, clock, answerMs));
  } catch (error) {
    log.error('Queues not declared', { kind: 'declaration_failed' }, error);
    const reason = error instanceof DumbwaiterError ? `${error.code}: ${error.message}` : `See the log, ${context.awsRequestId}.`;
    // A target that cannot be removed must not keep the stack from being deleted.
    if (event.RequestType !== 'Delete') failure = reason.slice(0, reasonCharsMax);
  }
  await answer(event, failure);
}

async function declare({ RequestType, ...event }: CloudFormationEvent, left: TimeLeft): Promise<void> {
  const { queuesJson, topicsJson = '{}', schedulesJson = '{}', targetsJson = '{}' } = event.ResourceProperties;
  const declared = parseDeclaredTargets(targetsJson);
  if (RequestType === 'Delete') {
    await inTime(left, () => removeTargets(targets, declared));
    return;
  }
  const queues = parseDeclared('createQueue', queuesJson);
  const topics = parseDeclaredTopics(topicsJson);
  const schedules = parseDeclared('putSchedule', schedulesJson);
  const earlier = parseDeclaredTargets(event.OldResourceProperties?.targetsJson ?? '{}');
  await inTime(left, async () => {
    await declareQueues(engine, queues, left);
    await declareTopics(engine, topics, left);
    await declareTargets(targets, declared);
    await removeTargets(targets, undeclared(declared, earlier));
    await declareSchedules(engine, schedules, left);
  });
}

async function answer(event: CloudFormationEvent, failure: string | undefined): Promise<void> {
  const { StackId, RequestId, LogicalResourceId } = event;
  const PhysicalResourceId = event.PhysicalResourceId ?? `${LogicalResourceId}-queues`;
  const Status = failure === undefined ? 'SUCCESS' : 'FAILED';
  const body = { Status, PhysicalResourceId, StackId, RequestId, LogicalResourceId, ...(failure && { Reason: failure }) };
  // The URL is pre-signed for an empty content type.
  const response = await fetch(event.ResponseURL, {
    method: 'PUT',
    headers: { 'content-type': '' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`CloudFormation did not take the answer: ${response.status}.`);
}
