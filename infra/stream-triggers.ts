/**
 * Invokes a function when messages become ready, by the streams of the tables. A lost or late record costs no message: the sweep finds what
 * waits. So records are retried for a minute at most, and none is kept.
 */
import { Duration } from 'aws-cdk-lib';
import { EventSourceMapping, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import type { NodeFunction } from './node-function.ts';
import type { Tables } from './tables.ts';

/** Lambda waits for no batch to fill: these are the most records that one invocation gets. */
const batchSize = 1000;
const retryAttempts = 2;
/** The sweep runs as often. */
const maxRecordAge = Duration.minutes(1);

/** A parcel of ready messages was published. Parcels are removed later, and never changed. Parts of bodies have no count. */
const published = { eventName: ['INSERT'], dynamodb: { NewImage: { count: { N: [{ exists: true }] } } } };

/**
 * A row of `leases` that is in the index of due rows, now or later. Lambda's filters cannot compare times: the function does. A row that a
 * receive took over from `messages` (`fresh`) is left out, and so is a tombstone, which has no `expiry`: else each receive and each ack
 * would invoke the function.
 */
const dueOrDelayed = {
  eventName: ['INSERT', 'MODIFY'],
  dynamodb: { NewImage: { expiry: { N: [{ exists: true }] }, fresh: { S: [{ exists: false }] } } },
};

/** A message that ended and is kept, perhaps with a result for which its publisher waits. Only such a row has both fields. */
const kept = {
  eventName: ['INSERT', 'MODIFY'],
  dynamodb: {
    NewImage: {
      until: { N: [{ exists: true }] },
      since: { N: [{ exists: true }] },
      expiry: { N: [{ exists: false }] },
    },
  },
};

export const streamFilters = { messages: [published], leases: [dueOrDelayed] } as const;
/** Of a function that also tells of results. */
export const resultFilters = { messages: [published], leases: [dueOrDelayed, kept] } as const;

/** At most two functions can read a stream: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.Lambda.html */
export function triggerByStreams(
  target: NodeFunction,
  tables: Tables,
  filters: typeof streamFilters | typeof resultFilters = streamFilters,
): void {
  const streams = tables.streams();
  const actions = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map((action) => `dynamodb:${action}`);
  target.allow(actions, Object.values(streams));
  for (const table of ['messages', 'leases'] as const) {
    new EventSourceMapping(target, table === 'messages' ? 'Published' : 'Due', {
      target: target.function,
      eventSourceArn: streams[table],
      startingPosition: StartingPosition.LATEST,
      batchSize,
      retryAttempts,
      maxRecordAge,
      bisectBatchOnError: false,
      filters: filters[table].map((filter) => ({ pattern: JSON.stringify(filter) })),
    });
  }
}
