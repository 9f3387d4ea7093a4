/** Whose message is which, of those under one key or one own id. */
import type { Call } from '../run/history.ts';
import { changesTime, wasCancelled } from './by-id.ts';
import { contentKey } from './content.ts';
import { idAtFirst } from './ids.ts';
import type { Ledger, Life } from './ledger.ts';
import type { Lives } from './lives.ts';
import { matched } from './matching.ts';
import { callsOf, endOf } from './outcomes.ts';
import { readyAt } from './waits.ts';
import { mayBeEdited, provenLifeOf } from './whose.ts';

type Known = Pick<Ledger, 'changes' | 'cancels' | 'queues' | 'clockErrorMs'>;

/** A message, by when it says that it was published: no two under one key say the same. */
interface Told {
  publishedAt: string;
  queue: string;
  content: string;
  /** Of the first receive that was given it. */
  from: number;
  by: number;
}

/**
 * Notes of lives under an own id or a key what their messages say of their publish (`saidAt`). First those that a body proves. Then,
 * under a key, those whose body was replaced: a publish that took long may have been accepted at any
 * time of that, and later ones may have changed what it carries, so more than one life may fit a message. Those that were accepted have one
 * rather, those with the content that was seen, and the later: an earlier one may have ended unseen, by its age or by a purge.
 */
export function noteWhose(calls: readonly Call[], lives: Lives, known: Known): void {
  notePublishedAt(calls, lives, known);
  const told = new Map<string, Map<string, Told>>();
  for (const call of callsOf(calls, 'receive')) {
    for (const message of 'output' in call.answer ? call.answer.output.messages : []) {
      const id = idAtFirst(message.id);
      const ofId = told.get(id) ?? new Map<string, Told>();
      const proven = provenLifeOf(message, lives, known);
      if (proven?.saidAt === message.publishedAt || !lives.keyed.has(id) || ofId.has(message.publishedAt)) continue;
      const { publishedAt } = message;
      const first = { queue: call.params.queue, from: call.startedAt, by: endOf(call) };
      told.set(id, ofId.set(publishedAt, { publishedAt, content: contentKey(message), ...first }));
    }
  }
  for (const [id, ofId] of told) {
    const isProven = ({ publishedAt, by }: Told) =>
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
    const whose = matched(all, (life) =>
      messages
        .filter((message) => mayBeOf(known, id, life, message))
        .toSorted((one, other) => differs(life, one) - differs(life, other) || offMs(life, one) - offMs(life, other)),
    );
    for (const [{ publishedAt }, life] of whose) life.saidAt = publishedAt;
  }
}

/** Of lives that bodies prove. Where two messages carry one body, the life's own is the one whose instant its publish explains best. */
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

/** Whether another took the place of what it was published with. */
function differs({ entry }: Life, { content }: Told): number {
  return Number(contentKey(entry) !== content);
}

/** By how much clocks must have been off, ms. */
function offMs({ published }: Life, { publishedAt }: Pick<Told, 'publishedAt'>): number {
  const at = Date.parse(publishedAt);
  return Math.max(published.startedAt - at, at - endOf(published), 0);
}

function mayBeOf({ changes, cancels, queues, clockErrorMs }: Known, id: string, life: Life, message: Told): boolean {
  const { entry, queue, published } = life;
  if (offMs(life, message) > clockErrorMs) return false;
  if (published.startedAt > message.by || !queues.reachable(queue).has(message.queue)) return false;
  if (wasCancelled({ cancels }, life, message.from)) return false;
  const ofId = changes.get(id) ?? [];
  const at = Date.parse(message.publishedAt);
  const isDebounced = queues.settings(queue).some(({ deduplication }) => deduplication?.onDuplicate === 'debounce');
  const keepsItsTime = !isDebounced && !ofId.some(changesTime);
  if (keepsItsTime && readyAt({ queues }, queue, entry, at, 'least') > message.by + clockErrorMs) return false;
  return ofId.length > 0 || queues.mayReplace(queue) || contentKey(entry) === message.content;
}
