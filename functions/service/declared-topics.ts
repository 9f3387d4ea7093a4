/** Creates or updates topics and their subscriptions so that they match a declaration in code. */
import type { CheckedInputOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { parseInput, parseParams } from '../../contract/schemas/parse.ts';
import type { CallOptions, Engine } from '../../engine/engine.ts';

type Subscription = CheckedInputOf<'subscribe'>;

export interface DeclaredTopic {
  settings: CheckedInputOf<'createTopic'>;
  subscriptions: ReadonlyMap<string, Subscription>;
}

/** Subscriptions of one topic that are created at a time. Each takes about two seconds, and they contend for the topic's row. */
const atATime = 4;

/** Parses `{"<topic>": {…, "subscriptions": {"<name>": {…}}}}` from JSON text. Throws `invalid_input`. */
export function parseDeclaredTopics(json: string): ReadonlyMap<string, DeclaredTopic> {
  const declared = Object.entries(JSON.parse(json) as Record<string, { subscriptions?: Record<string, unknown> }>);
  return new Map(
    declared.map(([topic, { subscriptions = {}, ...settings }]) => {
      parseParams('createTopic', { topic });
      const parsed = Object.entries(subscriptions).map(([subscription, input]): [string, Subscription] => {
        parseParams('subscribe', { topic, subscription });
        return [subscription, parseInput('subscribe', input)];
      });
      return [topic, { settings: parseInput('createTopic', settings), subscriptions: new Map(parsed) }];
    }),
  );
}

/** Creates the topics and subscriptions or updates them. Throws DumbwaiterError. */
export async function declareTopics(
  engine: Engine,
  declared: ReadonlyMap<string, DeclaredTopic>,
  options: CallOptions,
): Promise<void> {
  for (const [topic, { settings, subscriptions }] of declared) {
    try {
      await engine.callChecked('createTopic', { topic }, settings, options);
    } catch (error) {
      if (!(error instanceof DumbwaiterError) || error.code !== 'topic_exists') throw error;
      await engine.callChecked('updateTopic', { topic }, settings, options);
    }
    const waiting = [...subscriptions];
    while (waiting.length > 0) {
      const next = waiting.splice(0, atATime);
      await Promise.all(next.map(([name, input]) => declareSubscription(engine, topic, name, input, options)));
    }
  }
}

async function declareSubscription(
  engine: Engine,
  topic: string,
  subscription: string,
  input: Subscription,
  options: CallOptions,
): Promise<void> {
  const { queue = `${topic}~${subscription}`, settings, ...terms } = input;
  try {
    await engine.callChecked('subscribe', { topic, subscription }, input, options);
    return;
  } catch (error) {
    if (!(error instanceof DumbwaiterError) || error.code !== 'subscription_exists') throw error;
    const existing = await engine.callChecked('getSubscription', { topic, subscription }, {}, options);
    if (existing.queue !== queue) throw error;
  }
  if (settings !== undefined) await engine.callChecked('updateQueue', { queue }, settings, options);
  const expiry = input.queue === undefined ? { expiresAfterSeconds: null } : {};
  const changes = { subject: null, filter: null, filterScope: 'attributes' as const, ...expiry, ...terms };
  await engine.callChecked('updateSubscription', { topic, subscription }, changes, options);
}
