/** Matches messages to lives that share one key or one own id. */
import type { Call } from '../run/history.ts';
import { changesTime, wasCancelled } from './by-id.ts';
import { contentKey } from './content.ts';
import { idAtFirst } from './ids.ts';
import type { Ledger, Life } from './ledger.ts';
import type { Lives } from './lives.ts';
import { matched } from './matching.ts';
import { mayBeEdited, provenLifeOf } from './message-life.ts';
import { callsOf, endOf } from './outcomes.ts';
import { readyAt } from './waits.ts';

type Known = Pick<Ledger, 'changes' | 'cancels' | 'queues' | 'clockErrorMs'>;

/** A message that was received. Its `publishedAt` identifies it among those of one key. */
interface SeenMessage {
  publishedAt: string;
  queue: string;
  content: string;
  /** Start and end of the first receive that returned it. */
  from: number;
  by: number;
}

/**
 * Sets `saidAt`, the `publishedAt` of its message, for lives with an own id or a key. First come lives that a body proves. Then, for keys, come
 * replaced bodies: several lives may fit one message, because a slow publish may have been applied at any time of its call and later ones may
 * have changed the body. Preferred are accepted lives, then those whose content was seen, then later ones: an earlier one may have ended unseen.
 */
export function matchMessages(calls: readonly Call[], lives: Lives, known: Known): void {
  notePublishedAt(calls, lives, known);
  const seen = new Map<string, Map<string, SeenMessage>>();
  for (const call of callsOf(calls, 'receive')) {
    for (const message of 'output' in call.answer ? call.answer.output.messages : []) {
      const id = idAtFirst(message.id);
      const ofId = seen.get(id) ?? new Map<string, SeenMessage>();
      const proven = provenLifeOf(message, lives, known);
      if (proven?.saidAt === message.publishedAt || !lives.keyed.has(id) || ofId.has(message.publishedAt)) continue;
      const { publishedAt } = message;
      const first = { queue: call.params.queue, from: call.startedAt, by: endOf(call) };
      seen.set(id, ofId.set(publishedAt, { publishedAt, content: contentKey(message), ...first }));
    }
  }
  for (const [id, ofId] of seen) {
    const isProven = ({ publishedAt, by }: SeenMessage) =>
      lives.byId.get(id)?.some((life) => life.saidAt === publishedAt && mayBeEdited(life, by)) ?? false;
    const messages = [...ofId.values()].filter((message) => !isProven(message));
    const isSeenAsItWas = (life: Life) => messages.some((message) => differs(life, message) === 0);
    const unproven = lives.byId.get(id)?.filter(({ saidAt }) => saidAt === undefined) ?? [];
    const all = unproven.toSorted(
      (one, other) =>
        Number(other.accepted) - Number(one.accepted) ||
        Number(isSeenAsItWas(other)) - Number(isSeenAsItWas(one)) ||
        other.published.startedAt - one.published.startedAt,
    );
    const lifeByMessage = matched(all, (life) =>
      messages
        .filter((message) => mayBeOf(known, lives, life, message))
        .toSorted((one, other) => differs(life, one) - differs(life, other) || offMs(life, one) - offMs(life, other)),
    );
    for (const [{ publishedAt }, life] of lifeByMessage) life.saidAt = publishedAt;
  }
}

/** Sets `saidAt` of lives that a body proves. If two messages have one body, the one whose `publishedAt` fits the publish best counts. */
function notePublishedAt(calls: readonly Call[], lives: Lives, known: Known): void {
  for (const call of callsOf(calls, 'receive')) {
    for (const message of 'output' in call.answer ? call.answer.output.messages : []) {
      const life = provenLifeOf(message, lives, known);
      if (!life) continue;
      const { publishedAt } = message;
      life.ownBodySeenAt = Math.max(call.startedAt, life.ownBodySeenAt ?? 0);
      if (life.saidAt === undefined || offMs(life, { publishedAt }) < offMs(life, { publishedAt: life.saidAt })) {
        life.saidAt = publishedAt;
      }
    }
  }
}

/** 1 if the content differs from what was published, else 0. */
function differs({ entry }: Life, { content }: SeenMessage): number {
  return Number(contentKey(entry) !== content);
}

/** How far the clocks must have been off, ms. */
function offMs({ published }: Life, { publishedAt }: Pick<SeenMessage, 'publishedAt'>): number {
  const at = Date.parse(publishedAt);
  return Math.max(published.startedAt - at, at - endOf(published), 0);
}

function mayBeOf({ changes, cancels, queues, clockErrorMs }: Known, { byId }: Lives, life: Life, message: SeenMessage): boolean {
  const { entry, queue, published } = life;
  if (offMs(life, message) > clockErrorMs) return false;
  if (published.startedAt > message.by || !queues.reachable(queue).has(message.queue)) return false;
  if (wasCancelled({ cancels, byId }, life, message.from)) return false;
  const ofId = changes.get(life.id!) ?? [];
  const at = Date.parse(message.publishedAt);
  const isDebounced = queues.settings(queue).some(({ deduplication }) => deduplication?.onDuplicate === 'debounce');
  const keepsItsTime = !isDebounced && !ofId.some(changesTime);
  if (keepsItsTime && readyAt({ queues }, queue, entry, at, 'least') > message.by + clockErrorMs) return false;
  return ofId.length > 0 || queues.mayReplace(queue) || contentKey(entry) === message.content;
}
