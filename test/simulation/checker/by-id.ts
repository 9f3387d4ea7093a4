/** What calls by id may have done to a message. */

import { contentKey } from './content.ts';
import type { Delivery, Ledger, Life } from './ledger.ts';
import { type CallOf, endOf } from './outcomes.ts';
import { debouncesOf, replacementsOf } from './repeats.ts';

type Cancel = CallOf<'cancelMessage'>;
type Change = CallOf<'updateMessage'>;

/** Calls that may have cancelled it. */
export function cancelsOf({ queues, cancels }: Ledger, life: Life): readonly Cancel[] {
  const ofId = life.id === undefined ? [] : (cancels.get(life.id) ?? []);
  // A call that ended before the publish was about another message with this id.
  return ofId.filter((call) => queues.reachable(life.queue).has(call.params.queue) && endOf(call) >= life.published.startedAt);
}

/**
 * Whether a call certainly cancelled it before an instant. A cancel may be of another message with this id: of one in another queue, or of one
 * that was published while the cancel went on.
 */
export function wasCancelled(
  { cancels, byId }: Pick<Ledger, 'cancels' | 'byId'>,
  { id, queue, entry, published }: Life,
  before: number,
): boolean {
  if (id === undefined) return false;
  const others = (byId.get(id) ?? []).filter((other) => other.queue === queue && other.entry !== entry);
  return (cancels.get(id) ?? []).some((call) => {
    const isOver = isCertain(call) && endOf(call) < before && call.startedAt >= endOf(published);
    const isOfOther = others.some(
      (other) => other.published.startedAt <= endOf(call) && endOf(other.published) >= call.startedAt,
    );
    return isOver && call.params.queue === queue && !isOfOther;
  });
}

/** Releases by id that may have ended this lease, of those that began by then. */
export function releasesOf(
  { releases }: Pick<Ledger, 'releases'>,
  { message: { id, receives }, queue, startedAt }: Delivery,
  by = Number.POSITIVE_INFINITY,
): readonly CallOf<'releaseMessage'>[] {
  return (releases.get(id) ?? []).filter(
    (call) =>
      call.params.queue === queue &&
      call.startedAt <= by &&
      endOf(call) >= startedAt &&
      (call.input.receives ?? receives) === receives,
  );
}

/** Calls that may have changed it. */
export function changesOf({ queues, changes }: Ledger, life: Life): readonly Change[] {
  const ofId = life.id === undefined ? [] : (changes.get(life.id) ?? []);
  return ofId.filter(({ params }) => queues.reachable(life.queue).has(params.queue));
}

/** Calls that may have changed when it is due. */
export function timesOf(ledger: Ledger, life: Life): readonly Change[] {
  return changesOf(ledger, life).filter(changesTime);
}

export function changesTime({ input }: Change): boolean {
  return input.delaySeconds !== undefined || input.deliverAt !== undefined;
}

/** Whether its due time may have changed by then. */
export function mayBePutOff(ledger: Ledger, life: Life, by = Number.POSITIVE_INFINITY): boolean {
  const isBefore = ({ startedAt }: { startedAt: number }) => startedAt <= by;
  return timesOf(ledger, life).some(isBefore) || debouncesOf(ledger, life).some(({ call }) => isBefore(call));
}

export function isCertain(call: Cancel | Change): boolean {
  return 'output' in call.answer;
}

export function isEdit({ input }: Change): boolean {
  return input.content !== undefined || input.attributes !== undefined;
}

/** The content after a change, in the form of `contentKey`. */
export function contentAfter({ entry }: Pick<Life, 'entry'>, { input }: Change): string {
  const { content = entry, attributes = entry.attributes } = input;
  const { body = null, bodyBase64 } = content;
  return contentKey({
    body,
    ...(bodyBase64 === undefined ? {} : { bodyBase64 }),
    ...(attributes === undefined ? {} : { attributes }),
  });
}

/** Whether a call at this time may deliver it with this content. Content that was certainly replaced before is impossible. */
export function mayCarry(
  ledger: Ledger,
  life: Life,
  key: string,
  { startedAt, endedAt }: { startedAt: number; endedAt: number },
): boolean {
  const changes = changesOf(ledger, life).filter(isEdit);
  // With several messages under one id, the edit may have meant another.
  const isAlone = ledger.byId.get(life.id!)?.length === 1;
  const edits = [
    ...changes.map((edit) => ({
      startedAt: edit.startedAt,
      endedAt: endOf(edit),
      content: contentAfter(life, edit),
      certain: isAlone && isCertain(edit),
    })),
    ...replacementsOf(ledger, life),
  ];
  const isOverwritten = (end: number) =>
    edits.some((later) => later.certain && later.startedAt > end && later.endedAt < startedAt);
  if (contentKey(life.entry) === key && !isOverwritten(endOf(life.published))) return true;
  return edits.some((edit) => edit.startedAt <= endedAt && edit.content === key && !isOverwritten(edit.endedAt));
}
