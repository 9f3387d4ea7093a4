/** Counts what happened in a history. report/coverage.ts checks the counts of many. */
import type { TopicPublishResult } from '../../../contract/contract.ts';
import type { Call } from './history.ts';
import type { World } from './world.ts';

/** Counts shards that were added or retired, and publishes to topics that took several steps. */
export function noteQueues({ plan, simulation, count }: World): void {
  for (const row of simulation.memory.rows('queues')) {
    if (row.kind === 'begun-publication') count('publications begun');
    if (row.kind !== 'queue') continue;
    const { shards } = plan.queues.find(({ name }) => name === row.name) ?? { shards: 1 };
    if ((row.shards as number) > shards) count('queues grown');
    if ((row.shardsVisited as number) > 1) count('shards retired', (row.shardsVisited as number) - 1);
  }
}

/** Counts the answers of calls. */
export function countAnswers({ recorder, count }: World): void {
  const withRate = new Set(recorder.calls.flatMap(schedulesWithRate));
  const receipts = new Set<string>();
  for (const call of recorder.calls) {
    count(`call ${call.operation}`);
    if ('lost' in call.answer) count('answer lost');
    else if ('refused' in call.answer) count(`answer ${call.answer.refused}`);
    else if (call.operation === 'getRedrive' || call.operation === 'cancelRedrive') continue;
    else if (call.operation === 'cancelMessage') count('messages cancelled');
    else if (call.operation === 'releaseMessage') count('messages released by id');
    else if (call.operation === 'updateMessage') {
      count('messages changed');
      if (call.input.deliverAt !== undefined) count('messages put off to an instant');
    } else if (call.operation === 'commitMessage') count('messages committed');
    else if (call.operation === 'rollbackMessage') count('messages rolled back');
    else if (call.operation === 'getMessage') {
      if (call.answer.output.endedAt !== undefined) count('ended messages shown');
      if (call.answer.output.result !== undefined) count('results shown');
    } else if (call.operation === 'commitPublication') count('publications committed');
    else if (call.operation === 'rollbackPublication') count('publications rolled back');
    else if ('results' in call.answer.output) {
      if (call.operation === 'publishToTopic') countSubscriptions(call.answer.output.results, count);
      if (call.operation === 'publish') countDeliverAt(call, count);
      for (const result of call.answer.output.results) {
        if (!result.ok) count(`result ${result.code}`);
        else if ('duplicate' in result) count(result.id.startsWith('@') ? 'keys taken' : 'result duplicate');
        else if ('deadLettered' in result) count('result dead-lettered');
      }
    } else if ('messages' in call.answer.output && call.operation === 'receive') {
      count('messages received', call.answer.output.messages.length);
      const { messages } = call.answer.output;
      count('messages received by a repeated receive', messages.filter(({ receipt }) => receipts.has(receipt)).length);
      for (const { receipt } of messages) receipts.add(receipt);
      count('messages received again', call.answer.output.messages.filter(({ receives }) => receives > 1).length);
      count('copies of topics received', call.answer.output.messages.filter(({ attributes }) => attributes.topic).length);
      count('ticks received', call.answer.output.messages.filter(({ attributes }) => attributes.schedule).length);
      count(
        'ticks of cron expressions received',
        call.answer.output.messages.filter(
          ({ attributes }) => attributes.schedule && !withRate.has(attributes.schedule as string),
        ).length,
      );
      count('messages of groups received', call.answer.output.messages.filter(({ group }) => group !== undefined).length);
      count('dead letters received in groups', messages.filter(({ deadLetter, group }) => deadLetter && group).length);
      count('dead letters received', call.answer.output.messages.filter(({ deadLetter }) => deadLetter).length);
    }
  }
}

function countSubscriptions(results: readonly TopicPublishResult[], count: World['count']): void {
  for (const result of results) {
    if (!result.ok) continue;
    if (result.subscriptions === 0) count('publishes that no subscription matched');
    if (result.subscriptions > 1) count('publishes to several subscriptions');
    if (result.duplicate) count('duplicates of publishes to topics');
  }
}

/** The name of the schedule, if it has a rate. */
function schedulesWithRate(call: Call): string[] {
  const isRate =
    (call.operation === 'putSchedule' || call.operation === 'updateSchedule') && call.input.everySeconds !== undefined;
  return isRate ? [call.params.name] : [];
}

/** Counts messages with `deliverAt`. */
function countDeliverAt({ input, startedAt }: Extract<Call, { operation: 'publish' }>, count: World['count']): void {
  for (const { deliverAt } of input.messages) {
    if (deliverAt === undefined) continue;
    count(Date.parse(deliverAt) > startedAt ? 'messages published for an instant' : 'messages published for an instant past');
  }
}
