/** The promise about releases by id: the lease is over, so its holder is refused, and the message is ready when the answer says. */
import type { Violation } from '../run/history.ts';
import { releasesOf } from './by-id.ts';
import type { Delivery, Ledger } from './ledger.ts';
import { isSurelyHeld } from './limits.ts';
import { type CallOf, callsOf, endOf } from './outcomes.ts';
import { isDone } from './visibility.ts';

type Release = CallOf<'releaseMessage'>;

export function* judgeReleases(ledger: Ledger): Generator<Violation> {
  const releases = Map.groupBy(callsOf(ledger.calls, 'releaseMessage'), ({ params }) => params.id);
  if (releases.size === 0) return;
  for (const life of ledger.lives) {
    // With several messages under one id, the release may have meant another.
    if (ledger.byId.get(life.id!)?.length !== 1) continue;
    for (const delivery of life.deliveries) {
      for (const release of releases.get(life.id!) ?? []) {
        if (isOfLease(ledger, delivery, release)) yield* judgeRelease(ledger, delivery, release);
      }
    }
  }
}

/** Whether the lease certainly was on the message until the release, if this one did not end it. */
function isOfLease(ledger: Ledger, delivery: Delivery, release: Release): boolean {
  const { queue, endedAt, message } = delivery;
  const { receives = message.receives } = release.input;
  if (release.params.queue !== queue || receives !== message.receives || endedAt >= release.startedAt) return false;
  if (ledger.queues.isDeleted(queue)) return false;
  const others = releasesOf(ledger, delivery, endOf(release)).filter((other) => other !== release);
  return others.length === 0 && isSurelyHeld({ ...ledger, releases: new Map() }, delivery, endOf(release));
}

function* judgeRelease(ledger: Ledger, delivery: Delivery, release: Release): Generator<Violation> {
  const { message, call, acts } = delivery;
  const broken = (text: string, ...calls: Violation['calls']): Violation => ({
    promise: 'release-by-id-ends-the-lease',
    text: `message ${message.id} ${text}`,
    calls: [call, ...calls],
  });
  const { answer, input } = release;
  if ('refused' in answer && answer.refused.startsWith('message_'))
    yield broken(`was leased, and its release by id was refused as ${answer.refused}`, release);
  if (!('output' in answer)) return;
  const late = acts.find((act) => isDone(act) && act.call.startedAt > endOf(release));
  if (late) yield broken(`was released by id, and ${late.operation} with its receipt was answered ok`, release, late.call);
  if ('deadLettered' in answer.output) {
    const settings = ledger.queues.settings(delivery.queue);
    if (!settings.some(({ deadLetter }) => deadLetter && message.receives >= deadLetter.maxReceives))
      yield broken('was dead-lettered by a release, before its last receive', release);
    return;
  }
  const at = Date.parse(answer.output.visibleAt) - (input.delaySeconds ?? 0) * 1000;
  if (at < release.startedAt - ledger.clockErrorMs || at > endOf(release) + ledger.clockErrorMs)
    yield broken(
      `was released by id, and becomes visible at ${answer.output.visibleAt}, which the call did not ask for`,
      release,
    );
}
