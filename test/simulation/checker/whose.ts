/** Whose message a delivery is. */
import type { ReceivedMessage } from '../../../contract/contract.ts';
import { wasCancelled } from './by-id.ts';
import { bodyKey, contentKey } from './content.ts';
import { idAtFirst, idBefore } from './ids.ts';
import type { Ledger, Life } from './ledger.ts';
import { type Lives, name } from './lives.ts';
import { type CallOf, endOf } from './outcomes.ts';

type Known = Pick<Ledger, 'changes' | 'cancels' | 'queues' | 'clockErrorMs'>;

/**
 * The life that a body proves, of those under an own id or a key: no other publish under that id carried this body. A publish under a key may
 * have put its body into a message that was there before, also one whose retry was accepted: the message then says another `publishedAt`.
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
 * Whether a delivery of another body that ended at `by` may be of this life: an edited message never carries its first body again, so a life
 * whose own body was returned later had not been edited by then.
 */
export function mayBeEdited({ ownBodySeenAt }: Life, by: number): boolean {
  return ownBodySeenAt === undefined || ownBodySeenAt <= by;
}

/** The life that the body proves; else, of several under one own id and of one content, the one that was published when the message says. */
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
  const ofId = lives.byId.get(id)?.filter(({ published }) => published.startedAt <= by) ?? [];
  // Two queues may have messages of one key, or of one own id.
  const near = ofId.filter(({ queue }) => queues.reachable(queue).has(receive.params.queue));
  const all = near.length > 0 ? near : ofId;
  // Two of one own id, in two queues, may have been published in the same millisecond.
  const same = all.filter((life) => life.saidAt === message.publishedAt && (life === proven || mayBeEdited(life, by)));
  const alikeNow = same.find(({ entry }) => entry.dedupKey !== undefined || changes.has(id) || contentKey(entry) === key);
  if (alikeNow) return alikeNow;
  const unsaid = all.filter(({ saidAt }) => saidAt === undefined);
  const living = unsaid.filter((life) => !wasCancelled({ cancels }, life, receive.startedAt));
  const known = living.length > 0 ? living : unsaid;
  if (known.length === 0) return unnamedOf(message, by, lives);
  // One that may have been edited may carry anything.
  const mayDiffer = ({ queue, entry }: Life) => entry.dedupKey !== undefined && queues.mayReplace(queue);
  const alike = changes.has(id) ? known : known.filter((life) => mayDiffer(life) || contentKey(life.entry) === key);
  const at = Date.parse(message.publishedAt);
  const fitting = alike.filter(
    ({ published }) => at >= published.startedAt - clockErrorMs && at <= endOf(published) + clockErrorMs,
  );
  // One that took long to be published may have been published at any time of that: who was quick is told first.
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

/** The first of its content whose publish nobody was answered: it has this id from now on. */
function unnamedOf(message: ReceivedMessage, by: number, lives: Lives): Life | undefined {
  const candidates = lives.unnamed.get(contentKey(message)) ?? [];
  const index = candidates.findIndex(({ published }) => published.startedAt <= by);
  const [life] = index < 0 ? [] : candidates.splice(index, 1);
  if (life) name(lives, life, message.id);
  return life;
}
