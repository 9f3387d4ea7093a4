/** What a seed file declares: queues, targets, topics, subscriptions, schedules and keys. Checked by the schemas of the API. */
import type { CheckedInputOf, OperationName, TargetInput } from '../../contract/contract.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { nearestName } from '../../contract/names.ts';
import { parseInput, parseParams } from '../../contract/schemas/parse.ts';
import { createRandom } from '../../engine/port/random.ts';
import { keyIdOf, newKeyText } from '../auth/key-rows.ts';
import type { DeclaredTarget } from './declared-targets.ts';
import type { DeclaredTopic } from './declared-topics.ts';

export interface SeedKey {
  /** The text of the key, by which callers authenticate. */
  text: string;
  terms: CheckedInputOf<'createKey'>;
}

export interface Seed {
  queues: ReadonlyMap<string, CheckedInputOf<'createQueue'>>;
  targets: readonly DeclaredTarget[];
  topics: ReadonlyMap<string, DeclaredTopic>;
  schedules: ReadonlyMap<string, CheckedInputOf<'putSchedule'>>;
  keys: readonly SeedKey[];
}

const parts = ['queues', 'targets', 'topics', 'schedules', 'keys'] as const;
type Fields = Record<string, unknown>;

/** Throws `invalid_input`, which names the field by its path in the file. */
export function parseSeed(given: unknown, variables: NodeJS.ProcessEnv): Seed {
  const file = fieldsOf(given, '');
  for (const name of Object.keys(file)) {
    if (parts.some((part) => part === name)) continue;
    throw invalidInput(`${name}: unknown field; the nearest is ${nearestName(name, parts)}`);
  }
  return {
    queues: entriesOf(file.queues, 'queues', (input, queue) => checked('createQueue', { queue }, input)),
    targets: [...entriesOf(file.targets, 'targets', targetsOf).values()].flat(),
    topics: entriesOf(file.topics, 'topics', topicOf),
    schedules: entriesOf(file.schedules, 'schedules', (input, name) => checked('putSchedule', { name }, input)),
    keys: differentKeys(entriesOf(file.keys, 'keys', (input, name) => keyOf(input, name, variables))),
  };
}

export function keyIdsOf({ keys }: Seed): string[] {
  return keys.map(({ text }) => keyIdOf(text)!);
}

function targetsOf(given: unknown, queue: string): DeclaredTarget[] {
  const targets = entriesOf(given, '', (input, target) => checked('putTarget', { queue, target }, input));
  return [...targets].map(([name, input]) => ({ queue, name, input: input as TargetInput }));
}

function topicOf(given: unknown, topic: string): DeclaredTopic {
  const { subscriptions, ...settings } = fieldsOf(given ?? {}, '');
  return {
    settings: checked('createTopic', { topic }, settings),
    subscriptions: entriesOf(subscriptions, 'subscriptions', (input, subscription) =>
      checked('subscribe', { topic, subscription }, input),
    ),
  };
}

function keyOf(given: unknown, name: string, variables: NodeJS.ProcessEnv): SeedKey {
  const { key, keyFrom, expiresAt, accessKey, ...terms } = fieldsOf(given ?? {}, '');
  if (expiresAt !== undefined || accessKey !== undefined)
    throw invalidInput('a key of a seed file has no expiresAt and no accessKey');
  if ((key === undefined) === (keyFrom === undefined)) {
    throw invalidInput('give either key, its text, or keyFrom, the variable of the environment that holds it');
  }
  const field = key === undefined ? 'keyFrom' : 'key';
  const text = key ?? variables[String(keyFrom)];
  if (typeof text !== 'string' || keyIdOf(text) === undefined) {
    const reason = text === undefined ? `the variable ${keyFrom} is not set` : 'that is no text of a key';
    // What was given is not repeated: it may be a secret.
    throw invalidInput(`${field}: ${reason}. A new one is ${newKeyText(createRandom()).text}`);
  }
  return { text, terms: parseInput('createKey', { ...terms, name }) };
}

/** Throws for two keys with one id, which their texts hold: the second one would replace the first one. */
function differentKeys(keys: ReadonlyMap<string, SeedKey>): SeedKey[] {
  const names = new Map<string, string>();
  for (const [name, { text }] of keys) {
    const id = keyIdOf(text)!;
    const first = names.get(id);
    if (first !== undefined) throw invalidInput(`keys.${name}: has the text of keys.${first}. Each key needs its own`);
    names.set(id, name);
  }
  return [...keys.values()];
}

function checked<Name extends OperationName>(operation: Name, params: object, input: unknown): CheckedInputOf<Name> {
  parseParams(operation, params);
  return parseInput(operation, input);
}

/** Reads each entry. An error gets the path of its entry. */
function entriesOf<Entry>(given: unknown, part: string, read: (input: unknown, name: string) => Entry): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [name, input] of Object.entries(fieldsOf(given ?? {}, part))) {
    try {
      entries.set(name, read(input, name));
    } catch (error) {
      if (!(error instanceof DumbwaiterError)) throw error;
      const { message } = error;
      const path = part === '' ? name : `${part}.${name}`;
      throw invalidInput(`${path}${/^[\w.~[\]-]+: /.test(message) ? '.' : ': '}${message}`);
    }
  }
  return entries;
}

function fieldsOf(given: unknown, name: string): Fields {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Fields;
  throw invalidInput(`${name === '' ? '' : `${name}: `}must be an object of names`);
}
