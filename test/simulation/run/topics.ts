/** Steps on topics. Processes share the prepared publishes that they know. */
import type { ReceivedMessage } from '../../../contract/contract.ts';
import type { Engine } from '../../../engine/engine.ts';
import type { Clock } from '../../../engine/port/port.ts';
import type { Drawing } from '../plan/drawing.ts';
import { topicEntriesOf } from '../plan/entries.ts';
import type { PlannedSubscription, PlannedTopic, Step } from '../plan/plan.ts';
import type { World } from './world.ts';

type StepOf<Kind extends Step['do']> = Extract<Step, { do: Kind }>;
interface By {
  process: string;
  engine: Engine;
}

/** Creates the topics of the plan, and the subscriptions that they have at the start. */
export async function createTopics(world: World, by: By): Promise<void> {
  for (const topic of world.plan.topics) {
    await createTopic(world, by, topic);
    for (const subscription of topic.subscriptions) await subscribe(world, by, topic.name, subscription);
  }
}

function createTopic({ recorder }: World, by: By, { name, queueSettings, preparedTimeoutSeconds }: PlannedTopic) {
  return recorder.call(by, 'createTopic', { topic: name }, { queueSettings, preparedTimeoutSeconds });
}

function subscribe({ recorder }: World, by: By, topic: string, { name, terms, ...more }: PlannedSubscription) {
  return recorder.call(by, 'subscribe', { topic, subscription: name }, { ...terms, ...more });
}

export function createTopicSteps(world: World, by: By & { clock: Clock }, { chance, any }: Drawing) {
  const { plan, recorder, shared } = world;
  return {
    subscribe: ({ topic, subscription }: StepOf<'subscribe'>) => subscribe(world, by, topic, subscription),

    async publish({ topic, messages }: StepOf<'publishToTopic'>): Promise<void> {
      const entries = topicEntriesOf(messages, by.clock.now());
      const output = await recorder.call(by, 'publishToTopic', { topic }, { messages: entries });
      for (const [index, result] of (output?.results ?? []).entries()) {
        if (result.ok && entries[index]!.prepared) shared.publications.push({ topic, id: result.id });
      }
    },

    async decide({ decision }: StepOf<'decidePublication'>): Promise<void> {
      const publication = chance(0.7) ? any(shared.publications.slice(-6)) : any(shared.publications);
      if (!publication) return;
      const operation = decision === 'commit' ? 'commitPublication' : 'rollbackPublication';
      await recorder.call(by, operation, publication, {});
    },

    async remake({ topic, force }: StepOf<'remakeTopic'>): Promise<void> {
      await recorder.call(by, 'deleteTopic', { topic }, force ? { force } : {});
      await createTopic(world, by, plan.topics.find(({ name }) => name === topic)!);
    },

    /** The ids of the copies that subscriptions get are known from receives only. */
    noteReceived(queue: string, { id, attributes }: ReceivedMessage): void {
      if (attributes.topic !== undefined && chance(0.3)) shared.published.push({ queue, id });
    },
  };
}
