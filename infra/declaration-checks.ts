/** Validates declarations at synth, by the API's own rules: a mistake fails `cdk synth`, not a deployment halfway. */
import { Token } from 'aws-cdk-lib';
import { Cron } from 'croner';
import type { FilterScope, QueueSettingsInput, ScheduleInput, TargetInput } from '../contract/contract.ts';
import { DumbwaiterError, invalidInput } from '../contract/errors.ts';
import { inputs, parseParams } from '../contract/schemas/parse.ts';
import { parseOptions, refusalMessage } from '../contract/schemas/refusal.ts';
import { parseCron } from '../engine/schedules/cron.ts';
import { validateFilter } from '../engine/topics/filter-limits.ts';
import type { DeclaredTopic } from './dumbwaiter-props.ts';

export interface Declarations {
  queues: Record<string, QueueSettingsInput>;
  topics: Record<string, DeclaredTopic>;
  schedules: Record<string, ScheduleInput>;
}

/** Throws an error that names the field by its path in the props, such as `queues.orders.deadLetter.maxReceives`. */
export function checkDeclarations(at: string, { queues, topics, schedules }: Declarations): void {
  const faults = [
    ...Object.entries(queues).flatMap(([queue, settings]) => [
      ...faultsThrown(`queues: the name ${JSON.stringify(queue)}: `, () => parseParams('createQueue', { queue })),
      ...faultsOf(inputs.createQueue, settings, `queues.${queue}`),
      ...faultsOfDeadLetters(queue, queues),
    ]),
    ...Object.entries(topics).flatMap(([topic, declared]) => faultsOfTopic(topic, declared)),
    ...Object.entries(schedules).flatMap(([name, schedule]) => [
      ...faultsThrown(`schedules: the name ${JSON.stringify(name)}: `, () => parseParams('putSchedule', { name })),
      ...faultsOfSchedule(schedule, `schedules.${name}`),
    ]),
  ];
  if (faults.length > 0) throw new Error([`${at}: what it declares would be refused.`, ...faults].join('\n  '));
}

/** The same for the name of a queue. */
export function checkQueueName(at: string, queue: string): void {
  if (Token.isUnresolved(queue)) return;
  const [fault] = faultsThrown('', () => parseParams('getQueue', { queue }));
  if (fault !== undefined) throw new Error(`${at}: ${fault}`);
}

/** The same for a consumer of a queue. */
export function checkConsumer(at: string, queue: string, target: string, terms: TargetInput): void {
  const faults = [
    ...faultsThrown('', () => parseParams('putTarget', { queue, target })),
    ...faultsOf(inputs.putTarget, terms, `the consumer "${target}" of "${queue}"`),
  ];
  if (faults.length > 0) throw new Error([`${at}: what it declares would be refused.`, ...faults].join('\n  '));
}

/** The same for an API key of a program. */
export function checkKey(at: string, terms: object): void {
  const faults = faultsOf(inputs.createKey, terms, 'the key of a program');
  if (faults.length > 0) throw new Error([`${at}: what it declares would be refused.`, ...faults].join('\n  '));
}

/** Dead letters that would come back to the queue, by way of declared queues. */
function faultsOfDeadLetters(queue: string, queues: Declarations['queues']): string[] {
  const path = [queue];
  for (;;) {
    const next = Object.hasOwn(queues, path.at(-1)!) ? queues[path.at(-1)!]?.deadLetter?.queue : undefined;
    if (next === undefined) return [];
    path.push(next);
    if (next === queue) return [`queues.${queue}.deadLetter.queue: dead letters would come back: ${path.join(' → ')}`];
    // A circle that another queue reports.
    if (path.indexOf(next) < path.length - 1) return [];
  }
}

function faultsOfSchedule(schedule: ScheduleInput, within: string): string[] {
  const faults = faultsOf(inputs.putSchedule, schedule, within);
  const { cron, timeZone = 'UTC' } = schedule ?? {};
  if (faults.length > 0 || cron === undefined || Token.isUnresolved(cron) || Token.isUnresolved(timeZone)) return faults;
  return faultsThrown(`${within}.`, () => {
    if (parseCron({ Cron }, cron, timeZone).next(Date.now()) === undefined) {
      throw invalidInput(`cron: never falls due, was ${JSON.stringify(cron)}`);
    }
  });
}

function faultsOfTopic(topic: string, declared: unknown): string[] {
  const { subscriptions, settings } = withoutSubscriptions(declared);
  const within = `topics.${topic}`;
  const isMap = typeof subscriptions === 'object' && subscriptions !== null && !Array.isArray(subscriptions);
  return [
    ...faultsThrown(`topics: the name ${JSON.stringify(topic)}: `, () => parseParams('createTopic', { topic })),
    ...faultsOf(inputs.createTopic, settings, within),
    ...(isMap ? [] : [`${within}.subscriptions: must be an object`]),
    ...(isMap ? Object.entries(subscriptions) : []).flatMap(([subscription, given]) => [
      ...faultsThrown(`${within}.subscriptions: the name ${JSON.stringify(subscription)}: `, () =>
        parseParams('subscribe', { topic: 'any', subscription }),
      ),
      ...faultsOfSubscription(given, `${within}.subscriptions.${subscription}`),
    ]),
  ];
}

function withoutSubscriptions(declared: unknown): { subscriptions: unknown; settings: unknown } {
  if (typeof declared !== 'object' || declared === null) return { subscriptions: {}, settings: declared };
  const { subscriptions = {}, ...settings } = declared as DeclaredTopic;
  return { subscriptions, settings };
}

function faultsOfSubscription(given: unknown, within: string): string[] {
  const faults = faultsOf(inputs.subscribe, given, within);
  const { filter, filterScope = 'attributes' } = (given ?? {}) as { filter?: unknown; filterScope?: FilterScope };
  if (faults.length > 0 || (filter ?? null) === null) return faults;
  return faultsThrown(`${within}.`, () => validateFilter(filter, filterScope));
}

function faultsOf(
  schema: (typeof inputs)['createQueue' | 'createTopic' | 'subscribe' | 'putSchedule' | 'putTarget' | 'createKey'],
  given: unknown,
  within: string,
): string[] {
  const parsed = schema.safeParse(given, parseOptions);
  if (parsed.success) return [];
  // A value that is known only at deployment, such as the name of a function, is validated at deployment.
  const issues = parsed.error.issues.filter(({ code, path }) => {
    const value = path.reduce(memberOf, given);
    return !Token.isUnresolved(value) && !(code === 'invalid_union' && hasUnresolved(value));
  });
  return issues.length === 0 ? [] : [refusalMessage(issues, within)];
}

function faultsThrown(before: string, check: () => unknown): string[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof DumbwaiterError)) throw error;
    return [`${before}${error.message}`];
  }
}

function memberOf(value: unknown, name: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[name] : undefined;
}

function hasUnresolved(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).some((member) => Token.isUnresolved(member));
}
