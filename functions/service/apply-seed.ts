/** Creates what a seed declares, and changes what differs from it. Deletes nothing. A seed that is applied again changes nothing. */
import { isDeepStrictEqual } from 'node:util';
import type { CheckedInputOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Keys } from '../auth/api-keys.ts';
import { keyHash, keyIdOf, sameBytes, topicsDefault } from '../auth/key-rows.ts';
import { declareQueues, declareSchedules } from './declarations.ts';
import { declareTargets } from './declared-targets.ts';
import { type DeclaredTopic, declareTopics } from './declared-topics.ts';
import type { Seed, SeedKey } from './seed.ts';
import type { TargetOperations } from './service.ts';

/** The terms of a subscription whose declaration leaves them out. */
const termsDefault = { subject: null, filter: null, filterScope: 'attributes' };

/** What a seed is applied to. */
export interface SeededQueue {
  engine: Engine;
  keys: Keys;
  targets: TargetOperations;
}

/** Throws DumbwaiterError. */
export async function applySeed(seed: Seed, { engine, keys, targets }: SeededQueue): Promise<void> {
  const { queues, topics, schedules } = seed;
  await declareQueues(engine, await changed(queues, async (name, settings) => hasAll(await queueOf(engine, name), settings)), {});
  const changedTopics = new Map<string, DeclaredTopic>();
  for (const [topic, declared] of topics) {
    const subscriptions = await changed(declared.subscriptions, (name, input) => isSubscribed(engine, topic, name, input));
    const isSame = hasAll(await found(() => engine.callChecked('getTopic', { topic }, {})), declared.settings);
    if (!isSame || subscriptions.size > 0) changedTopics.set(topic, { ...declared, subscriptions });
  }
  await declareTopics(engine, changedTopics, {});
  // After the topics, whose subscriptions may own the queues.
  await declareTargets(targets, seed.targets);
  await declareSchedules(engine, schedules, {});
  for (const key of seed.keys) if (!(await isRegistered(keys, key))) await keys.register(key.text, key.terms);
}

async function changed<Entry>(
  declared: ReadonlyMap<string, Entry>,
  isSame: (name: string, entry: Entry) => Promise<boolean>,
): Promise<Map<string, Entry>> {
  const left = new Map<string, Entry>();
  for (const [name, entry] of declared) if (!(await isSame(name, entry))) left.set(name, entry);
  return left;
}

const queueOf = (engine: Engine, queue: string) => found(() => engine.callChecked('getQueue', { queue }, {}));

async function isSubscribed(
  engine: Engine,
  topic: string,
  subscription: string,
  { queue, settings, ...terms }: CheckedInputOf<'subscribe'>,
): Promise<boolean> {
  const existing = await found(() => engine.callChecked('getSubscription', { topic, subscription }, {}));
  if (!existing || (queue !== undefined && existing.queue !== queue) || !hasAll(existing, { ...termsDefault, ...terms }))
    return false;
  return settings === undefined || hasAll(await queueOf(engine, existing.queue), settings);
}

async function isRegistered(keys: Keys, { text, terms }: SeedKey): Promise<boolean> {
  const existing = await keys.find(keyIdOf(text)!);
  const { name, queues, topics = topicsDefault(queues), scopes } = terms;
  return hasAll(existing, { name, queues, topics, scopes }) && sameBytes(existing!.hash, keyHash(text));
}

function hasAll(existing: object | undefined, wanted: object): boolean {
  if (!existing) return false;
  const values = new Map<string, unknown>(Object.entries(existing));
  return Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(values.get(name), value));
}

async function found<Entry>(read: () => Promise<Entry>): Promise<Entry | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof DumbwaiterError && error.code.endsWith('_not_found')) return undefined;
    throw error;
  }
}
