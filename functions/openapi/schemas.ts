/** The schemas of the OpenAPI document, derived from those that validate calls, in a form that common client generators understand. */

import * as z from 'zod';
import type { OperationName } from '../../contract/contract.ts';
import { type Route, routes } from '../../contract/routes.ts';
import { documentedInputs } from '../../contract/schemas/parse.ts';
import { attributeValue, newContent, publishEntry } from '../../contract/schemas/publish-entry.ts';
import { ownedQueueSettings, queueSettings } from '../../contract/schemas/queue-settings.ts';
import { scheduleMessage } from '../../contract/schemas/schedule.ts';
import * as setting from '../../contract/schemas/setting-fields.ts';
import { topicEntry } from '../../contract/schemas/topic.ts';
import { settingsDefaults } from '../../contract/settings-defaults.ts';
import * as record from './output-records.ts';
import * as answers from './outputs.ts';
import * as topics from './topic-records.ts';

type JsonObject = { [name: string]: unknown };

const named = {
  PublishEntry: publishEntry,
  TopicEntry: topicEntry,
  AttributeValue: attributeValue,
  NewContent: newContent,
  ScheduleMessage: scheduleMessage,
  Queue: record.queue,
  DeadLetter: setting.deadLetter,
  Backoff: setting.backoff,
  Priority: setting.priority,
  GroupSettings: setting.groups,
  QueueLimits: setting.queueLimits,
  Deduplication: setting.deduplication,
  PreparedSettings: setting.prepared,
  CheckBack: setting.checkBack,
  Keep: setting.keep,
  SqsSettings: setting.sqs,
  DeadLetterInput: given(queueSettings.deadLetter),
  BackoffInput: given(queueSettings.backoff),
  PriorityInput: given(queueSettings.priority),
  GroupSettingsInput: given(queueSettings.groups),
  QueueLimitsInput: given(queueSettings.limits),
  DeduplicationInput: given(queueSettings.deduplication),
  PreparedSettingsInput: given(queueSettings.prepared),
  KeepInput: given(queueSettings.keep),
  SqsSettingsInput: given(queueSettings.sqs),
  OwnedQueueSettingsInput: ownedQueueSettings,
  Counts: record.counts,
  PublishResult: answers.publishResult,
  TopicPublishResult: answers.topicPublishResult,
  AckResult: answers.ackResult,
  ReleaseResult: answers.releaseResult,
  ExtendResult: answers.extendResult,
  ReceivedMessage: record.receivedMessage,
  Message: record.message,
  FailureRecord: record.failureRecord,
  LeaseRecord: record.leaseRecord,
  DeathRecord: record.deathRecord,
  RedriveTask: record.redriveTask,
  Target: record.target,
  Schedule: record.schedule,
  ScheduledMessage: record.scheduledMessage,
  Topic: topics.topic,
  Subscription: topics.subscription,
  MatchResult: topics.matchResult,
  MatchFailure: topics.matchFailure,
  ApiKey: record.apiKey,
  Problem: record.problem,
};

/** The object schema of a setting that may be null or left out. */
function given<Setting extends z.ZodType>(setting: z.ZodOptional<z.ZodNullable<Setting>>): Setting {
  return setting.unwrap().unwrap();
}

/** An operation without input fields has no body in the document: a generated client would send `null` for it. */
export function takesBody(operation: OperationName): boolean {
  const { method }: Route = routes[operation];
  return method !== 'GET' && method !== 'DELETE' && Object.keys(documentedInputs[operation].shape).length > 0;
}

export function componentSchemas(): { [name: string]: JsonObject } {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  for (const operation of answers.operationNames) {
    // An output that already has a name keeps it.
    if (!registry.has(answers.outputs[operation])) registry.add(answers.outputs[operation], { id: ownName(operation, 'Output') });
    if (takesBody(operation) && !registry.has(documentedInputs[operation]))
      registry.add(documentedInputs[operation], { id: ownName(operation, 'Input') });
  }
  const { schemas } = z.toJSONSchema(registry, { ...dialect, uri: (id) => `#/components/schemas/${id}` });
  const components = Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutDialect(schema)]));
  const settingDefault = (name: string) => JSON.stringify(settingsDefaults[name as keyof typeof settingsDefaults]);
  describeDefaults(components.CreateQueueInput!, (name) => `Default \`${settingDefault(name)}\`.`);
  describeDefaults(components.OwnedQueueSettingsInput!, (name) => `Default: that of the topic, or \`${settingDefault(name)}\`.`);
  describeDefaults(components.UpdateQueueInput!, () => 'Default: unchanged.');
  describeDefaults(components.UpdateScheduleInput!, () => 'Default: unchanged.');
  describeDefaults(components.UpdateTopicInput!, () => 'Default: unchanged.');
  describeDefaults(components.UpdateSubscriptionInput!, () => 'Default: unchanged.');
  return components;
}

/**
 * States defaults in the description only. A generated client sends a schema's `default` for each field that its caller leaves unset.
 * That would change settings that should stay, or set two fields that exclude each other.
 */
function describeDefaults({ properties }: JsonObject, defaultOf: (name: string) => string): void {
  for (const [name, property] of Object.entries(properties as { [name: string]: JsonObject })) {
    const description = String(property.description).replace(/ Default.*$/, '');
    property.description = `${description} ${defaultOf(name)}`;
  }
}

/** A schema for inline use, such as that of a parameter. Its description is returned separately. */
export function inlineSchema(of: z.core.$ZodType): { description: unknown; schema: JsonObject } {
  const { description, ...schema } = withoutDialect(z.toJSONSchema(of, dialect));
  return { description, schema };
}

/** Describes what a caller sends. Redundant keywords are removed: the pattern of a date, the maximum of every integer. */
const dialect = {
  io: 'input',
  override: ({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }) => {
    if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (jsonSchema.type === 'number') jsonSchema.format = 'double';
    if (jsonSchema.isOpen) openEnumeration(jsonSchema);
    if (jsonSchema.nullMeansAbsent) nullable(jsonSchema);
    // The description of a nullable value is inside `anyOf`: copy it to the outer schema.
    const description: string | undefined =
      jsonSchema.description ?? jsonSchema.anyOf?.find(({ description }) => description !== undefined)?.description;
    if (description !== undefined) jsonSchema.description = description;
    if ('default' in jsonSchema) {
      jsonSchema.description = `${description} Default \`${JSON.stringify(jsonSchema.default)}\`.`;
      delete jsonSchema.default;
    }
  },
} as const;

/** `x-extensible-enum` is an extension that several tools support. A generated client accepts any string. */
function openEnumeration(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const { enum: values } = jsonSchema;
  delete jsonSchema.enum;
  delete jsonSchema.isOpen;
  jsonSchema['x-extensible-enum'] = values;
}

/** Allows null. A generated client then leaves out an unset list or map; otherwise it would send an empty one. */
function nullable(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const { description, nullMeansAbsent: _, ...rest } = jsonSchema;
  for (const name of Object.keys(jsonSchema)) delete jsonSchema[name];
  Object.assign(jsonSchema, { description, anyOf: [rest, { type: 'null' }] });
}

/** OpenAPI 3.1 uses JSON Schema 2020-12 and identifies schemas by their path, so `$schema` and `$id` are redundant. */
function withoutDialect({ $schema, $id, ...schema }: JsonObject): JsonObject {
  return schema;
}

function ownName(operation: OperationName, part: 'Input' | 'Output'): string {
  return `${operation[0]?.toUpperCase()}${operation.slice(1)}${part}`;
}

/** Operations that share a schema share its name. */
export function outputName(operation: OperationName): string {
  const shared = Object.entries(named).find(([, schema]) => schema === answers.outputs[operation])?.[0];
  const first = answers.operationNames.find((other) => answers.outputs[other] === answers.outputs[operation]);
  return shared ?? ownName(first ?? operation, 'Output');
}

export function inputName(operation: OperationName): string {
  const first = answers.operationNames.find(
    (other) => takesBody(other) && documentedInputs[other] === documentedInputs[operation],
  );
  return ownName(first ?? operation, 'Input');
}
