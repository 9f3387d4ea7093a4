/** Notes what a history came to: its counts show what many of them have tried. */
import type { Call } from './history.ts';
import type { World } from './world.ts';

/** Shards that came to be under load, or will have to go; what redrives have moved. */
export function noteQueues({ plan, simulation, count }: World): void {
  for (const row of simulation.memory.rows('queues')) {
    if (row.kind !== 'queue') continue;
    const planned = plan.queues.find(({ name }) => name === row.name)!;
    if ((row.shards as number) > planned.shards) count('queues grown');
    if ((row.shardsVisited as number) > 1) count('shards retired', (row.shardsVisited as number) - 1);
  }
}

/** Answers that show that a history came to what it was meant to try. */
export function countAnswers({ recorder, count }: World): void {
  const rated = new Set(recorder.calls.flatMap(ratedBy));
  for (const call of recorder.calls) {
    count(`call ${call.operation}`);
    if ('lost' in call.answer) count('answer lost');
    else if ('refused' in call.answer) count(`answer ${call.answer.refused}`);
    else if (call.operation === 'getRedrive' || call.operation === 'cancelRedrive') continue;
    else if (call.operation === 'cancelMessage') count('messages cancelled');
    else if (call.operation === 'updateMessage') {
      count('messages changed');
      if (call.input.deliverAt !== undefined) count('messages put off to an instant');
    } else if (call.operation === 'commitMessage') count('messages committed');
    else if (call.operation === 'rollbackMessage') count('messages rolled back');
    else if (call.operation === 'getMessage') {
      if (call.answer.output.endedAt !== undefined) count('ended messages shown');
      if (call.answer.output.result !== undefined) count('results shown');
    } else if ('results' in call.answer.output) {
      if (call.operation === 'publish') countInstants(call, count);
      for (const result of call.answer.output.results) {
        if (!result.ok) count(`result ${result.code}`);
        else if ('duplicate' in result) count(result.id.startsWith('@') ? 'keys taken' : 'result duplicate');
        else if ('deadLettered' in result) count('result dead-lettered');
      }
    } else if ('messages' in call.answer.output && call.operation === 'receive') {
      count('messages received', call.answer.output.messages.length);
      count('messages received again', call.answer.output.messages.filter(({ receives }) => receives > 1).length);
      count('ticks received', call.answer.output.messages.filter(({ attributes }) => attributes.schedule).length);
      count(
        'ticks of cron expressions received',
        call.answer.output.messages.filter(({ attributes }) => attributes.schedule && !rated.has(attributes.schedule as string))
          .length,
      );
      count('messages of groups received', call.answer.output.messages.filter(({ group }) => group !== undefined).length);
      count('dead letters received', call.answer.output.messages.filter(({ deadLetter }) => deadLetter).length);
    }
  }
}

/** The name of a schedule that had ticks at a rate. */
function ratedBy(call: Call): string[] {
  const isRate =
    (call.operation === 'putSchedule' || call.operation === 'updateSchedule') && call.input.everySeconds !== undefined;
  return isRate ? [call.params.name] : [];
}

/** Messages that said at which instant they are to come. */
function countInstants({ input, startedAt }: Extract<Call, { operation: 'publish' }>, count: World['count']): void {
  for (const { deliverAt } of input.messages) {
    if (deliverAt === undefined) continue;
    count(Date.parse(deliverAt) > startedAt ? 'messages published for an instant' : 'messages published for an instant past');
  }
}
