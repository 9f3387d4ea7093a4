/** The filters of peek and redrive: which messages they select, and what of a queue need not be read for that. */
import type { Message, MessageFilter } from '../../contract/contract.ts';
import { isJsonText } from '../../contract/json-text.ts';
import { withValues } from '../../contract/json-values.ts';
import { clockMarginMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot } from '../leases/lease-store.ts';
import { isGroupOf, mayBeSameGroup } from '../model/group-row.ts';
import { idFrom, isGroupRow, keyedId, messageId, ownRowId, parcelPrefix } from '../model/ids.ts';
import { generatedIdOf, type MarkedPlace } from '../model/marker.ts';
import { levelOf, type QueueRecord } from '../model/queue-record.ts';
import { leaseKey } from '../model/rows.ts';
import type { Row } from '../port/port.ts';

export interface Filter {
  /** Whether a message may fit, by what its row says without its content. `since`: when it arrived in its queue, ms. */
  fitsRow(message: Message, since: number): boolean;
  /** Whether a message fits by its content. Undefined: every content does. */
  fitsContent: ((message: Message) => boolean) | undefined;
  /** The part of a shard's partition of `messages` that may hold messages that fit; undefined: none does. */
  parcels(partition: string): { from: string; to: string } | undefined;
  /** Whether this row of `leases` may hold a message that fits, by what the index shows of it. */
  mayHold(row: Row): boolean;
  /** The first parcel of a group that may fit. */
  waitingFrom: string;
}

/** The filter of a call; undefined if every message fits. */
export async function filterOf(ctx: Context, queue: QueueRecord, given: MessageFilter): Promise<Filter | undefined> {
  const { id = '', group, key, priority, reason, attribute = [], from, until, text } = given;
  const isGiven = [group, key, priority, reason, from, until, text].some((value) => value !== undefined);
  if (!isGiven && id === '' && attribute.length === 0) return undefined;
  const since = from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from);
  const before = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until);
  const marked = key === undefined ? [] : await placesOfKey(ctx, queue, key);
  const idsOfMarked = marked.map(generatedIdOf);
  const isOfKey = (one: string) =>
    key === undefined || one === keyedId(key) || one.startsWith(`${keyedId(key)}@`) || idsOfMarked.includes(one);
  const isInTime = (at: number) => at >= since && at < before;
  const pairs = attribute.map((pair) => pair.split(/=(.*)/s) as [name: string, value: string]);

  return {
    fitsRow: (message, at) =>
      message.id.startsWith(id) &&
      isOfKey(message.id) &&
      isInTime(at) &&
      (group === undefined || message.group === group) &&
      (priority === undefined || (message.priority ?? 0) === priority) &&
      (reason === undefined || message.deadLetter?.reason === reason),
    fitsContent:
      text === undefined && pairs.length === 0
        ? undefined
        : (message) => (text === undefined || bodyText(message).includes(text)) && hasAttributes(message, pairs),
    parcels(partition) {
      const ids = parcelPrefix(id);
      const isElsewhere = group !== undefined || key !== undefined || reason !== undefined || ids === undefined;
      if (isElsewhere || (priority !== undefined && levelOf(partition) !== priority)) return undefined;
      // The time in the id of such a parcel is its `since`.
      const first = from === undefined || idFrom(since) < ids ? ids : idFrom(since);
      const last = until === undefined || idFrom(before) > `${ids}~` ? `${ids}~` : idFrom(before);
      return first <= last ? { from: first, to: last } : undefined;
    },
    mayHold(row) {
      const rowId = row.id as string;
      if (isGroupRow(rowId)) {
        const isMarked = key === undefined || marked.some((one) => mayBeSameGroup(one.group, rowId));
        return isMarked && (group === undefined || isGroupOf(rowId, group));
      }
      if (typeof row.since === 'number' && !isInTime(row.since)) return false;
      // The messages of a parcel have its id, then a slot. A message that left its group has a row of its own.
      const one = messageId(rowId, 0);
      const isOne = one === messageId(rowId, 1);
      const start = isOne ? one : one.slice(0, -1);
      return start.startsWith(id) && (isOne ? isOfKey(one) : key === undefined && group === undefined);
    },
    waitingFrom: from === undefined ? '' : idFrom(since - clockMarginMs),
  };
}

/** Where messages of groups are that were published under this key, here or in a queue whose dead letters come here. */
async function placesOfKey(ctx: Context, queue: QueueRecord, key: string): Promise<MarkedPlace[]> {
  const queues = await ctx.settings.list();
  const origins = queues.filter(({ name, deadLetter }) => name === queue.name || deadLetter?.queue === queue.name);
  const ids = origins.map(({ incarnation }) => ownRowId(incarnation, keyedId(key)));
  const rows = ids.length === 0 ? [] : await ctx.store.get(ids.map(leaseKey));
  const now = ctx.clock.now();
  return rows.flatMap((row, index) => {
    const { marker, tombstone } = decodeSnapshot({ id: ids[index]!, row, readAt: now }, now);
    return marker?.marks ?? tombstone?.marks ?? [];
  });
}

function bodyText({ body, bodyBase64, unreadable }: Message): string {
  return unreadable ?? bodyBase64 ?? (isJsonText(body) ? body.text : JSON.stringify(body));
}

function hasAttributes(message: Message, pairs: readonly (readonly [name: string, value: string])[]): boolean {
  if (pairs.length === 0) return true;
  const attributes = withValues(message.attributes);
  return pairs.every(([name, wanted]) => {
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    return typeof value === 'number' ? wanted.trim() !== '' && Number(wanted) === value : value === wanted;
  });
}
