/**
 * Promises about topics: each message reaches every subscription that matches once, and no other. A copy is a message of its
 * queue, and judged there like any other; here, the copies that should not be, the counts in answers, and prepared publishes.
 */
import type { ReceivedMessage } from '../../../contract/contract.ts';
import type { Violation } from '../run/history.ts';
import { idBefore } from './ids.ts';
import type { Ledger } from './ledger.ts';
import { type CallOf, callsOf, endOf, mayBeDone } from './outcomes.ts';
import { isOfTopic, namedKey, type Publication, type TopicPublish } from './topic-publishes.ts';

export function* judgeTopics(ledger: Ledger): Generator<Violation> {
  const { all, publications } = ledger.topics;
  for (const { message, call } of ledger.strangers) if (isOfTopic(message)) yield judgeStranger(ledger, message, call);
  for (const publish of all) yield* judgeCount(ledger, publish);
  yield* judgeIds(all);
  for (const publication of publications) yield* judgeDecisions(ledger, publication);
}

/** A copy that no publish explains: why not. */
function judgeStranger({ topics }: Ledger, message: ReceivedMessage, receive: CallOf<'receive'>): Violation {
  const topic = String(message.attributes.topic);
  const queue = message.deadLetter?.queue ?? receive.params.queue;
  const copy = `the copy ${message.id} of a message of ${topic} was delivered in ${queue}`;
  const entry = topics.named.get(namedKey(topic, message));
  const publish = topics.all.find((one) => one.topic === topic && one.entry === entry);
  const found = (promise: Violation['promise'], why: string) => ({
    promise,
    text: `${copy}, ${why}`,
    calls: publish ? [publish.call, receive] : [receive],
  });
  if (!entry) return found('only-published-is-delivered', 'and no publish can have made it');
  if (entry.prepared && !(publish && publish.span.from <= endOf(receive)))
    return found('never-before-commit', 'before any commit');
  if (!publish) return found('only-published-is-delivered', 'and its publish was refused');
  if (publish.reached.some((reached) => reached.queue === queue)) return found('every-subscription-once', 'a second time');
  return topics.subscriptions.hasEnded(topic, queue, publish.span)
    ? found('none-after-unsubscribe', 'although its subscription had ended before the publish')
    : found('never-unmatched', 'to which no subscription that matches delivers');
}

/** The answer says how many subscriptions match. */
function* judgeCount({ topics }: Ledger, { topic, entry, outcome, span, call }: TopicPublish): Generator<Violation> {
  if (outcome === 'uncertain' || !('done' in outcome) || entry.prepared) return;
  const { subscriptions: told } = outcome.done;
  if (told === undefined) return;
  const reached = topics.subscriptions.reached(topic, entry, { ...span, outBy: span.to });
  const least = new Set(reached.filter(({ certain }) => certain).map(({ name }) => name)).size;
  const most = new Set(reached.map(({ name }) => name)).size;
  if (told >= least && told <= most) return;
  const text = `a publish to ${topic} says ${told} subscriptions, and ${least === most ? least : `${least} to ${most}`} match`;
  yield { promise: 'every-subscription-once', text, calls: [call] };
}

function* judgeIds(all: readonly TopicPublish[]): Generator<Violation> {
  const made = all.filter(({ id, entry }) => id !== undefined && idBefore(entry) === undefined);
  for (const [id, [first, second]] of Map.groupBy(made, (one) => one.id!)) {
    if (second)
      yield { promise: 'no-duplicate-ids', text: `two messages were given the id ${id}`, calls: [first!.call, second.call] };
  }
}

/** A prepared publish is decided once, by a call or by its timeout. */
function* judgeDecisions(ledger: Ledger, publication: Publication): Generator<Violation> {
  const { topic, id, published, commits, rollbacks, refusals } = publication;
  const { clockErrorMs } = ledger;
  const rollback = rollbacks.find(({ answer }) => 'output' in answer);
  const commit = commits.find(({ answer }) => 'output' in answer);
  const broken = (what: string, calls: Violation['calls']): Violation => ({
    promise: 'decided-once',
    text: `the publish ${id} to ${topic} ${what}`,
    calls: [published, ...calls],
  });
  if (rollback && commit) yield broken('was committed and rolled back', [rollback, commit]);
  if (rollback) {
    const copies = ledger.lives.filter(({ entry }) => entry.attributes?.topic === topic && entry.attributes.publication === id);
    const [delivery] = copies.flatMap(({ deliveries }) => deliveries);
    if (delivery) yield broken('was rolled back, and delivered', [rollback, delivery.call]);
  }
  const seconds = callsOf(ledger.calls, 'createTopic').flatMap(({ params, input }) =>
    params.topic === topic ? [input.preparedTimeoutSeconds ?? 0] : [],
  );
  const timeoutAt = published.startedAt + Math.min(...seconds) * 1000 - 2 * clockErrorMs;
  const isDeleted = callsOf(ledger.calls, 'deleteTopic').some((call) => call.params.topic === topic && mayBeDone(call));
  for (const refusal of refusals) {
    if (!('refused' in refusal.answer)) continue;
    const { refused } = refusal.answer;
    const by = endOf(refusal);
    const mayBe = (calls: readonly { startedAt: number }[]) => calls.some(({ startedAt }) => startedAt <= by);
    const isFalse =
      (refused === 'message_committed' && !mayBe(commits)) ||
      (refused === 'message_rolled_back' && !mayBe(rollbacks) && by < timeoutAt) ||
      (refused === 'publication_not_found' && !isDeleted && endOf(published) < refusal.startedAt && by < timeoutAt);
    if (isFalse) yield broken(`was refused as ${refused} by ${refusal.operation}, which cannot be true`, [refusal]);
  }
}
