/** The section of docs/reference.md about SQS: for each action and attribute, whether it is as in SQS, or what differs. */
import { table } from './reference-fields.ts';

const same = 'as in SQS';

/** By action. The test compares the names with the actions that exist. */
export const sqsActions: { readonly [action: string]: string } = {
  AddPermission: 'The statement is kept in `Policy` and shown. It grants nothing.',
  CancelMessageMoveTask: same,
  ChangeMessageVisibility:
    'The handle of the latest receive counts, as in SQS also after the visibility timeout, until the message, or one before it in its group, is received again. Any other is refused with `MessageNotInflight`, so that one consumer never changes what another one has. SQS may accept the handle of an earlier receive, and refuses that of a deleted message with `InvalidParameterValue`.',
  ChangeMessageVisibilityBatch: 'As `ChangeMessageVisibility`. The id of an entry may also be any id of a message.',
  CreateQueue:
    'A name can be used again at once after a deletion, because nothing of the deleted queue is left. A queue of another API takes the attributes of SQS from the first `CreateQueue`.',
  DeleteMessage:
    'On a FIFO queue too, the handle of the latest receive still counts after the visibility timeout, so that work that was done is not done again. SQS refuses it. On a standard queue, that of a message with a `MessageGroupId` may not count after the timeout: the message may come again.',
  DeleteMessageBatch:
    'As `DeleteMessage`. The id of an entry may also be any id of a message, because programs name entries so, and ids are no UUIDs here.',
  DeleteQueue:
    'Refused with `UnsupportedOperation` for the dead-letter queue of another queue, and for a queue into which a subscription delivers: messages would be lost. The queue is gone at once, not within a minute.',
  GetQueueAttributes: 'Counts are exact up to 1,000 rows of each table and shard.',
  GetQueueUrl: 'There is one account, `000000000000`. `QueueOwnerAWSAccountId` is ignored.',
  ListDeadLetterSourceQueues: same,
  ListMessageMoveTasks:
    'Shows the tasks that `StartMessageMoveTask` began, not redrives of the HTTP API. A task is shown for a week after its end.',
  ListQueueTags: same,
  ListQueues: 'Also shows the queues of other APIs, and those that subscriptions own (`topic~subscription`).',
  PurgeQueue: 'Answers when it is done, after about two seconds. Once a minute, as in SQS.',
  ReceiveMessage:
    'Returns a message whenever one is ready; SQS may return none. Any number of messages can be in flight, so there is no `OverLimit`. On a FIFO queue, a message that is visible again waits for those of its group that are still in flight, so that only one consumer at a time has a group; SQS may return it. A `ReceiveRequestAttemptId` that is repeated within five minutes returns those of its messages that are still leased and not deleted. Messages over 5 MiB together, as they are escaped in the answer, come in several receives.',
  RemovePermission: same,
  SendMessage:
    'The message id is no UUID: it says where the message is. Of one `MessageGroupId` of a standard queue, at most 32 receives hold messages at a time ([fairness](coming-from-sqs.md#fairness-between-tenants)).',
  SendMessageBatch: 'As `SendMessage`.',
  SetQueueAttributes: 'A new attribute counts within two seconds, not within a minute.',
  StartMessageMoveTask:
    'A message of a group returns to the end of its group. A message that came here in another way than by dying has no queue to return to, and stays. Up to 500 messages a second, as in SQS, if a rate is given; without one, as many as possible.',
  TagQueue: same,
  UntagQueue: same,
};

/** By attribute of a queue. */
export const sqsQueueAttributes: { readonly [name: string]: string } = {
  VisibilityTimeout: 'the setting `visibilityTimeoutSeconds`',
  DelaySeconds: 'the setting `delaySeconds`',
  MessageRetentionPeriod:
    'the setting `retentionSeconds`. It counts from when the message is first ready, is fixed at the send, and begins again in a dead-letter queue, so that each dead message is kept for as long as that queue says.',
  RedrivePolicy:
    'the setting `deadLetter`. The message is moved when its last visibility timeout ends. The queue must exist, and its dead-letter queues must not lead back. That of a FIFO queue keeps its groups in order.',
  RedriveAllowPolicy: 'Checked when a `RedrivePolicy` is set by SQS.',
  MaximumMessageSize: same,
  ReceiveMessageWaitTimeSeconds: same,
  Policy: 'Kept and shown. It grants nothing.',
  KmsMasterKeyId: 'Kept and shown. DynamoDB encrypts what it stores by the key of its tables.',
  KmsDataKeyReusePeriodSeconds: 'Kept and shown.',
  SqsManagedSseEnabled: 'Kept and shown.',
  QueueArn: 'The region is that of the request, the account `000000000000`.',
  CreatedTimestamp: same,
  LastModifiedTimestamp: same,
  ApproximateNumberOfMessages: 'Also counts dead messages that wait in a dead-letter queue.',
  ApproximateNumberOfMessagesNotVisible: same,
  ApproximateNumberOfMessagesDelayed: same,
  FifoQueue: 'Shown for every queue whose name ends with `.fifo`.',
  ContentBasedDeduplication: same,
  DeduplicationScope: same,
  FifoThroughputLimit: 'Kept and shown. Nothing limits the throughput.',
};

/** By system attribute of a message. */
export const sqsMessageAttributes: { readonly [name: string]: string } = {
  SenderId: 'Always the account, `000000000000`: senders are not recorded.',
  SentTimestamp: same,
  ApproximateReceiveCount: 'Exact. It begins again in a dead-letter queue, and after a move back.',
  ApproximateFirstReceiveTimestamp: 'Exact. It begins again in a dead-letter queue, and after a move back.',
  AWSTraceHeader: same,
  DeadLetterQueueSourceArn: same,
  MessageGroupId: 'Also the group of a message that another API published into one.',
  MessageDeduplicationId: 'Of a message of another API: the SHA-256 of its body.',
  SequenceNumber:
    '20 digits, which grow within a group. A message keeps its number when it dies and when it is moved back. One whose id another API chose has that of its time.',
};

const intro = `## SQS

The SQS API (2012-11-05) is served in the JSON and the Query protocol, at the URL of the HTTP API: by \`npm start\`, by deployments with
the prop \`sqs\`, and by servers for teams on these ([operating](operating.md#sqs)). Calls are signed with the access key of an API key, and need
its scopes ([keys](operating.md#keys)); with \`npm start -- --sqs-anonymous\`, any signature will do.
How to move to it: [coming from SQS](coming-from-sqs.md).

Limits and errors are those of SQS: batches of 10, a delay of up to 900 s, a visibility timeout that ends up to 43,200 s after the receive, a retention of up to 14 days, a wait of up to 20 s, 1 MiB for a message
and for a batch. In a queue with the setting \`sqs: { extended: true }\`, which the HTTP API sets, the limits of the queue count instead: batches and receives of 100, a delay and
a retention of up to ten years, a visibility timeout of up to a year from each change, 5 MiB for a batch. The wait and the size of a message stay. A message attribute that is a plain text of at most 1,024 characters, or a JSON number, is an attribute of the same name in every API. Others
(binary ones, custom types, longer texts, names beyond \`A-Z a-z 0-9 _ - .\`) are together in one attribute, \`sqs\`. A body that another API published is its JSON text, or
base64 for bytes; characters that SQS does not allow are received as U+FFFD.`;

export function sqsSection(): string {
  const rows = (entries: { readonly [name: string]: string }) =>
    Object.entries(entries).map(([name, text]) => [`\`${name}\``, text]);
  return [
    intro,
    table(['action', 'here'], rows(sqsActions)),
    table(['attribute of a queue', 'here'], rows(sqsQueueAttributes)),
    table(['system attribute of a message', 'here'], rows(sqsMessageAttributes)),
  ].join('\n\n');
}
