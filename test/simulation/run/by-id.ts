/** Steps that name a message by its id. Processes share the ids that they know. */
import type { ReceivedMessage } from '../../../contract/contract.ts';
import { defined } from '../../../contract/defined.ts';
import type { Engine } from '../../../engine/engine.ts';
import type { Clock } from '../../../engine/port/port.ts';
import { bodyOf } from '../plan/bodies.ts';
import type { Drawing } from '../plan/drawing.ts';
import { instantOf } from '../plan/entries.ts';
import type { Step } from '../plan/plan.ts';
import type { Receipts } from './receipts.ts';
import type { World } from './world.ts';

type StepOf<Kind extends Step['do']> = Extract<Step, { do: Kind }>;

export function createStepsById(world: World, by: { process: string; engine: Engine; clock: Clock }, { chance, any }: Drawing) {
  const { plan, recorder, shared } = world;

  /** A published message, preferably a recent one, in its queue or another. */
  function anyMessage(): { queue: string; id: string } | undefined {
    const message = chance(0.5) ? any(shared.published.slice(-10)) : any(shared.published);
    if (!message) return undefined;
    return chance(0.2) ? { ...message, queue: any(plan.queues)!.name } : message;
  }

  return {
    async read(queue: string): Promise<void> {
      const id = any(shared.ids);
      if (id !== undefined) await recorder.call(by, 'getMessage', { queue, id }, {});
    },

    async look({ waitSeconds }: StepOf<'look'>): Promise<void> {
      const message = chance(0.7) ? any(shared.ended) : any(shared.published);
      if (message) await recorder.call(by, 'getMessage', message, waitSeconds === undefined ? {} : { waitSeconds });
    },

    async cancel({ force }: StepOf<'cancel'>): Promise<void> {
      const message = anyMessage();
      if (!message) return;
      const output = await recorder.call(by, 'cancelMessage', message, force === undefined ? {} : { force });
      if (output) shared.ended.push(message);
    },

    /** Mostly a message that this process holds: its ack must then be refused. */
    async releaseById({ delaySeconds, named }: StepOf<'releaseById'>, receipts: Receipts): Promise<void> {
      const release = (message: { queue: string; id: string }, receives?: number) =>
        recorder.call(by, 'releaseMessage', message, defined({ delaySeconds, receives }));
      if (chance(0.7)) {
        const one = (queue: string, [message]: readonly ReceivedMessage[]) =>
          message ? release({ queue, id: message.id }, named && message.receives) : Promise.resolve();
        await receipts.use('one', (queue, _, messages) => one(queue, messages), true);
      } else {
        const message = anyMessage();
        if (message) await release(message);
      }
    },

    async replace(
      { force, message }: StepOf<'replace'>,
      publish: (step: Pick<StepOf<'publish'>, 'queue' | 'messages'>) => Promise<void>,
    ): Promise<void> {
      const former = any(shared.published.filter(({ id }) => id.startsWith('own-')).slice(-6));
      if (!former) return;
      const output = await recorder.call(by, 'cancelMessage', former, force === undefined ? {} : { force });
      // A refused caller may continue nevertheless.
      if (!output && chance(0.5)) return;
      if (output) world.count('messages replaced');
      await publish({ queue: former.queue, messages: [{ ...message, id: former.id }] });
    },

    async decide({ decision }: StepOf<'decide'>): Promise<void> {
      const message = chance(0.7) ? any(shared.prepared.slice(-6)) : any(shared.prepared);
      if (!message) return;
      if (decision === 'commit') await recorder.call(by, 'commitMessage', message, {});
      else await recorder.call(by, 'rollbackMessage', message, {});
    },

    async change({ number, chars = 0, delaySeconds, deliverSeconds, priority }: StepOf<'change'>): Promise<void> {
      const message = anyMessage();
      const input = {
        ...(number === undefined ? {} : { content: { body: bodyOf(number, chars) } }),
        ...(delaySeconds === undefined ? {} : { delaySeconds }),
        ...instantOf(deliverSeconds, by.clock.now()),
        ...(priority === undefined ? {} : { priority }),
      };
      if (message) await recorder.call(by, 'updateMessage', message, input);
    },
  };
}
