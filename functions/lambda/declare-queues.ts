/**
 * Lambda entry: a CloudFormation custom resource that creates the queues, topics and schedules that a stack declares, and updates
 * existing ones. It deletes nothing: what is no longer declared stays until it is deleted over the API.
 * Protocol: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import { declareQueues, declareSchedules, parseDeclared } from '../service/declarations.ts';
import { declareTopics, parseDeclaredTopics } from '../service/declared-topics.ts';
import { inTime, timeLeft } from '../service/time-left.ts';
import type { LambdaContext } from './context.ts';
import { createEnvironment } from './environment.ts';

interface CloudFormationEvent {
  RequestType: 'Create' | 'Update' | 'Delete';
  ResponseURL: string;
  StackId: string;
  RequestId: string;
  LogicalResourceId: string;
  PhysicalResourceId?: string;
  ResourceProperties: { queuesJson: string; topicsJson?: string; schedulesJson?: string };
}

const { engine, clock, log } = createEnvironment('dumbwaiter-declare-queues');
/** CloudFormation accepts a response of at most 4 KB. */
const reasonCharsMax = 1000;
/** Time reserved for the response: CloudFormation gets none from a function that Lambda ends. */
const answerMs = 10_000;

export async function handler(event: CloudFormationEvent, context: LambdaContext): Promise<void> {
  log.begin(context);
  let failure: string | undefined;
  try {
    if (event.RequestType !== 'Delete') {
      const { queuesJson, topicsJson = '{}', schedulesJson = '{}' } = event.ResourceProperties;
      const queues = parseDeclared('createQueue', queuesJson);
      const topics = parseDeclaredTopics(topicsJson);
      const schedules = parseDeclared('putSchedule', schedulesJson);
      const left = timeLeft(context, clock, answerMs);
      await inTime(left, async () => {
        await declareQueues(engine, queues, left);
        await declareTopics(engine, topics, left);
        await declareSchedules(engine, schedules, left);
      });
    }
  } catch (error) {
    log.error('Queues not declared', { kind: 'declaration_failed' }, error);
    const reason = error instanceof DumbwaiterError ? `${error.code}: ${error.message}` : `See the log, ${context.awsRequestId}.`;
    failure = reason.slice(0, reasonCharsMax);
  }
  await answer(event, failure);
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
