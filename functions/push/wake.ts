/** Finds the queues for which a dispatcher has something to do: after the sweep, and from the streams of the tables. */
import { incarnationOf } from '../../engine/model/queue-record.ts';
import type { Clock } from '../../engine/port/port.ts';
import { isDeliverable, type TargetRecord, type TargetRecords } from './target-records.ts';

/** A record of a DynamoDB stream: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html */
export interface StreamRecord {
  eventName?: string;
  dynamodb?: { Keys?: StreamImage; NewImage?: StreamImage };
}

type StreamImage = Record<string, { S?: string; N?: string }>;

/** A row of `leases` that is due within this time counts as due: the stream is late by about as much. */
const soonMs = 1_000;

/**
 * The incarnations of the queues in which messages became ready: rows put into `messages`, whose key names them, and rows of `leases`
 * that are due, in the new image of the row.
 */
export function incarnationsIn(records: readonly StreamRecord[], now: number): Set<string> {
  const found = new Set<string>();
  for (const { eventName, dynamodb: { Keys = {}, NewImage } = {} } of records) {
    const isOfMessages = Keys.shard !== undefined;
    if (isOfMessages && eventName !== 'INSERT') continue;
    const { shard = Keys.shard, expiry } = NewImage ?? {};
    if (!isOfMessages && !(Number(expiry?.N ?? Number.NaN) <= now + soonMs)) continue;
    if (shard?.S !== undefined) found.add(incarnationOf(shard.S));
  }
  return found;
}

/**
 * The queues among these, by name or incarnation, that have a target with something to do, and which no process holds. One query, and
 * none of the rows where no queue has a target.
 */
export async function queuesToDispatch(
  { records, clock }: { records: TargetRecords; clock: Clock },
  among: { queues: readonly string[] } | { incarnations: ReadonlySet<string> },
): Promise<Set<string>> {
  const isAmong = ({ queue, incarnation }: TargetRecord) =>
    'queues' in among ? among.queues.includes(queue) : among.incarnations.has(incarnation);
  const candidates = (await records.all()).filter(isAmong);
  if (candidates.length === 0) return new Set();
  // Read again: a hold that has just ended must not count, or its process would not see the message.
  const targets = await records.readAll(candidates);
  const now = clock.now();
  const isFree = ({ heldUntil = 0 }: TargetRecord) => heldUntil <= now;
  return new Set(targets.filter((target) => isDeliverable(target, now) && isFree(target)).map(({ queue }) => queue));
}
