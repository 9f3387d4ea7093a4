/**
 * Lambda entry: the CloudFormation custom resources of a stack. One creates the queues, topics, schedules and targets that the stack declares,
 * and updates existing ones. Of what is no longer declared, it removes targets only: the rest stays until it is deleted over the API.
 * The others are API keys (`service/declared-key.ts`).
 * Protocol: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import { declareQueues, declareSchedules, parseDeclared } from '../service/declarations.ts';
import { declareKey, type KeyProperties, removeKey } from '../service/declared-key.ts';
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
  ResourceProperties: Properties | KeyProperties;
  /** Of an update: what the stack declared before. */
  OldResourceProperties?: Partial<Properties>;
}

interface Properties {
  queuesJson: string;
  topicsJson?: string;
  schedulesJson?: string;
  targetsJson?: string;
}

const { engine, keys, targets, readSecret, clock, log } = createEnvironment('dumbwaiter-declare-queues');
/** CloudFormation accepts a response of at most 4 KB. */
const reasonCharsMax = 1000;
/** Time reserved for the response: CloudFormation gets none from a function that Lambda ends. */
const answerMs = 10_000;

export async function handler(event: CloudFormationEvent, context: LambdaContext): Promise<void> {
  log.begin(context);
  let failure: string | undefined;
  let id = event.PhysicalResourceId ?? `${event.LogicalResourceId}-queues`;
  try {
    const left = timeLeft(context, clock, answerMs);
    const { ResourceProperties: properties } = event;
    if (isKey(properties)) id = await changeKey(event, properties, left);
    else await declare(event, properties, left);
  } catch (error) {
    log.error('Queues not declared', { kind: 'declaration_failed' }, error);
    const reason = error instanceof DumbwaiterError ? `${error.code}: ${error.message}` : `See the log, ${context.awsRequestId}.`;
    // A target or a key that cannot be removed must not keep the stack from being deleted. The log line raises an alarm.
    if (event.RequestType !== 'Delete') failure = reason.slice(0, reasonCharsMax);
  }
  await answer(event, id, failure);
}

function isKey(properties: Properties | KeyProperties): properties is KeyProperties {
  return 'keyJson' in properties;
}

/** Returns the id of the resource: that of the key. If it changes, CloudFormation deletes the resource of the earlier id. */
async function changeKey(event: CloudFormationEvent, properties: KeyProperties, left: TimeLeft): Promise<string> {
  const { RequestType, PhysicalResourceId = '' } = event;
  if (RequestType !== 'Delete') return await declareKey({ keys, readSecret, clock }, properties, left);
  await removeKey({ keys, clock }, PhysicalResourceId, left);
  return PhysicalResourceId;
}

async function declare(event: CloudFormationEvent, properties: Properties, left: TimeLeft): Promise<void> {
  const { queuesJson, topicsJson = '{}', schedulesJson = '{}', targetsJson = '{}' } = properties;
  const declared = parseDeclaredTargets(targetsJson);
  if (event.RequestType === 'Delete') {
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

async function answer(event: CloudFormationEvent, PhysicalResourceId: string, failure: string | undefined): Promise<void> {
  const { StackId, RequestId, LogicalResourceId } = event;
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
