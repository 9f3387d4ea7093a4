/** Finds the life to which a delivered message belongs. */
import type { ReceivedMessage } from '../../../contract/contract.ts';
import { wasCancelled } from './by-id.ts';
import { bodyKey, contentKey } from './content.ts';
import { idAtFirst, idBefore } from './ids.ts';
import type { Ledger, Life } from './ledger.ts';
import { type Lives, name } from './lives.ts';
import { type CallOf, endOf } from './outcomes.ts';
import { isOfTick } from './tick-publishes.ts';
import { isOfTopic } from './topic-publishes.ts';

type Known = Pick<Ledger, 'changes' | 'cancels' | 'queues' | 'clockErrorMs'>;

/**
 * The life that the body proves, for an own id or a key: no other publish under that id had this body. A publish under a key may have put its
 * body into an earlier message, even if its retry was accepted. Then the message has another `publishedAt`.
 */
export function provenLifeOf(
  message: ReceivedMessage,
  lives: Lives,
  { queues, clockErrorMs }: Pick<Known, 'queues' | 'clockErrorMs'>,
): Life | undefined {
  const body = bodyKey(message);
  const [life, ...others] = (lives.byId.get(idAtFirst(message.id)) ?? []).filter(({ entry }) => bodyKey(entry) === body);
  if (life === undefined || others.length > 0 || idBefore(life.entry) === undefined) return undefined;
  if (life.entry.dedupKey === undefined || !queues.mayReplace(life.queue)) return life;
  const { published, accepted } = life;
  const at = Date.parse(message.publishedAt);
  const isOfPublish = at >= published.startedAt - clockErrorMs && at <= endOf(published) + clockErrorMs;
  return accepted && isOfPublish ? life : undefined;
}

/**
 * Whether a delivery of another body that ended at `by` may belong to this life. An edited message never gets its first body back, so a life
 * whose own body was delivered later had not been edited by then.
 */
export function mayBeEdited({ ownBodySeenAt }: Life, by: number): boolean {
  return ownBodySeenAt === undefined || ownBodySeenAt <= by;
}

/** The life that the body proves. Otherwise the one, of several under one id, that fits the content and the `publishedAt` best. */
export function lifeOf(
  message: ReceivedMessage,
  receive: CallOf<'receive'>,
  lives: Lives,
  { changes, cancels, queues, clockErrorMs }: Known,
): Life | undefined {
  const proven = provenLifeOf(message, lives, { queues, clockErrorMs });
  if (proven?.saidAt === message.publishedAt) return proven;
  const key = contentKey(message);
  const by = endOf(receive);
  const id = idAtFirst(message.id);
  // A process whose clock is ahead publishes a tick before its time.
  const ofId =
    lives.byId.get(id)?.filter(({ published }) => published.startedAt <= by + (isOfTick(published) ? clockErrorMs : 0)) ?? [];
  // Two queues may have messages with the same key or own id.
  const near = ofId.filter(({ queue }) => queues.reachable(queue).has(receive.params.queue));
  const all = near.length > 0 ? near : ofId;
  // Two messages with one own id in two queues may have the same `publishedAt`.
  const same = all.filter((life) => life.saidAt === message.publishedAt && (life === proven || mayBeEdited(life, by)));
  const alikeNow = same.find(({ entry }) => entry.dedupKey !== undefined || changes.has(id) || contentKey(entry) === key);
  if (alikeNow) return alikeNow;
  const unsaid = all.filter(({ saidAt }) => saidAt === undefined);
  const living = unsaid.filter((life) => !wasCancelled({ cancels, byId: lives.byId }, life, receive.startedAt));
  const known = living.length > 0 ? living : unsaid;
  if (known.length === 0) return unnamedOf(message, receive, lives);
  // A message that may have been edited can have any content.
  const mayDiffer = ({ queue, entry }: Life) => entry.dedupKey !== undefined && queues.mayReplace(queue);
  const alike = changes.has(id) ? known : known.filter((life) => mayDiffer(life) || contentKey(life.entry) === key);
  const at = Date.parse(message.publishedAt);
  const fitting = alike.filter(
    ({ published }) => at >= published.startedAt - clockErrorMs && at <= endOf(published) + clockErrorMs,
  );
  // A slow publish may have been applied at any time of its call, so the quickest fit comes first.
  fitting.sort((one, other) => endOf(one.published) - endOf(other.published));
  const exact = fitting.filter(({ entry }) => contentKey(entry) === key);
  return (
    exact.findLast(({ accepted }) => accepted) ??
    fitting.find(({ accepted }) => accepted) ??
    exact.at(-1) ??
    fitting.at(-1) ??
    alike.at(-1) ??
    known.at(-1)
  );
}

/** The first life of this content whose publish had no answer. It gets the id of the message. */
function unnamedOf(message: ReceivedMessage, receive: CallOf<'receive'>, lives: Lives): Life | undefined {
  const candidates = lives.unnamed.get(contentKey(message)) ?? [];
  const by = endOf(receive);
  // A message that died before its first receive is received elsewhere.
  const origin = message.deadLetter?.queue ?? receive.params.queue;
  const index = candidates.findIndex(
    ({ published, queue, entry }) => published.startedAt <= by && (!isOfTopic(entry) || queue === origin),
  );
  const [life] = index < 0 ? [] : candidates.splice(index, 1);
  if (life) name(lives, life, message.id);
  return life;
}
