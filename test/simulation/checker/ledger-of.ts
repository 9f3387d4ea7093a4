/** Builds the ledger of a history. */
import type { History } from '../run/history.ts';
import { isForgetful, isSecondTry, noteActs, traceMs } from './acts.ts';
import { withRepeatsAsExtends } from './attempt-calls.ts';
import { matchMessages } from './keyed-lives.ts';
import type { Delivery, Ledger, Life } from './ledger.ts';
import { add, livesOf } from './lives.ts';
import { lifeOf } from './message-life.ts';
import { type CallOf, callsOf, endOf, mayBeDone } from './outcomes.ts';
import { queuesOf } from './queues.ts';
import { schedulesOf } from './schedules.ts';
import { subscriptionsOf } from './subscriptions.ts';
import { publishOf } from './tick-publishes.ts';
import { copiesOf, topicPublishesOf, withQualifiedIds } from './topic-publishes.ts';
import { callsOfTransactions } from './transaction-calls.ts';

export function ledgerOf({ calls: recorded, asked = [], transactions = [], circumstances }: History): Ledger {
  const { clockErrorMs, drainedAt, sweptAt, retryMsMin = 0, hasNoFaults = false } = circumstances;
  const { calls: made, attempts } = withRepeatsAsExtends(recorded, clockErrorMs);
  const topics = topicPublishesOf(made, transactions, subscriptionsOf(made, clockErrorMs));
  const calls = [...withQualifiedIds(made, topics), ...callsOfTransactions(transactions), ...copiesOf(topics, made)].sort(
    (a, b) => a.startedAt - b.startedAt,
  );
  const queues = queuesOf(calls);
  const lives = livesOf(calls, retryMsMin);
  const schedules = schedulesOf(calls, retryMsMin);

  const ofMessage = <
    One extends CallOf<'cancelMessage' | 'updateMessage' | 'releaseMessage' | 'commitMessage' | 'rollbackMessage'>,
  >(
    ofAll: readonly One[],
    traceMsLeast: (call: One) => number = () => retryMsMin,
  ) =>
    Map.groupBy(
      ofAll.filter((call) => mayBeDone(call) || isSecondTry(call, traceMsLeast(call))),
      ({ params }) => params.id,
    );
  const cancels = ofMessage(callsOf(calls, 'cancelMessage'), ({ params }) =>
    // A message whose id another one got has left no trace.
    lives.byId.get(params.id)?.some((life, index) => index > 0 || isForgetful(life)) ? retryMsMin : traceMs,
  );
  const changes = ofMessage(callsOf(calls, 'updateMessage'));
  matchMessages(calls, lives, { changes, cancels, queues, clockErrorMs });

  const strangers: Ledger['strangers'][number][] = [];
  const sameReceipt: [Delivery, Delivery][] = [];
  const byReceipt = new Map<string, Delivery>();

  const tickLife = (published: CallOf<'publish'> | undefined, id: string): Life | undefined => {
    if (!published) return undefined;
    const entry = published.input.messages[0]!;
    const life: Life = { id, queue: published.params.queue, entry, published, accepted: false, deliveries: [] };
    add(lives, life);
    return life;
  };

  for (const call of calls) {
    if (call.operation !== 'receive' || !('output' in call.answer)) continue;
    for (const message of call.answer.output.messages) {
      const endedAt = endOf(call);
      const life =
        lifeOf(message, call, lives, { changes, cancels, queues, clockErrorMs }) ??
        tickLife(publishOf(message, call, { schedules, queues, clockErrorMs }), message.id);
      if (!life) {
        strangers.push({ message, call });
        continue;
      }
      if ((life.entry.dedupKey ?? life.entry.id) !== undefined) life.saidAt ??= message.publishedAt;
      const delivery: Delivery = { life, queue: call.params.queue, message, call, startedAt: call.startedAt, endedAt, acts: [] };
      life.deliveries.push(delivery);
      const before = byReceipt.get(message.receipt);
      if (before) sameReceipt.push([before, delivery]);
      else byReceipt.set(message.receipt, delivery);
    }
  }
  for (const call of calls) noteActs(call, byReceipt, { queues, retryMsMin });

  return {
    calls,
    queues,
    lives: lives.all,
    byId: lives.byId,
    duplicates: lives.duplicates,
    keyed: lives.keyed,
    cancels,
    changes,
    releases: ofMessage(callsOf(calls, 'releaseMessage')),
    commits: ofMessage(callsOf(calls, 'commitMessage')),
    rollbacks: ofMessage(callsOf(calls, 'rollbackMessage')),
    asked: Map.groupBy(asked, ({ id }) => id),
    schedules,
    topics,
    strangers,
    sameReceipt,
    transactions,
    attempts,
    hasNoFaults,
    clockErrorMs,
    drainedAt,
    sweptAt,
  };
}
