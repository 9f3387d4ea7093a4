/** The schemas of the OpenAPI document, made of those that judge the calls, in a shape that common generators of clients know. */

import * as z from 'zod';
import { type OperationName, type Route, routes } from '../../contract/contract.ts';
import { documentedInputs } from '../../contract/schemas/parse.ts';
import { attributeValue, newContent, publishEntry } from '../../contract/schemas/publish-entry.ts';
import { queueSettings } from '../../contract/schemas/queue-settings.ts';
import { scheduleMessage } from '../../contract/schemas/schedule.ts';
import * as setting from '../../contract/schemas/setting-fields.ts';
import { settingsDefaults } from '../../contract/settings-defaults.ts';
import * as record from './output-records.ts';
import * as answers from './outputs.ts';

type JsonObject = { [name: string]: unknown };

const named = {
  PublishEntry: publishEntry,
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
  DeadLetterInput: given(queueSettings.deadLetter),
  BackoffInput: given(queueSettings.backoff),
  PriorityInput: given(queueSettings.priority),
  GroupSettingsInput: given(queueSettings.groups),
  QueueLimitsInput: given(queueSettings.limits),
  DeduplicationInput: given(queueSettings.deduplication),
  PreparedSettingsInput: given(queueSettings.prepared),
  KeepInput: given(queueSettings.keep),
  Counts: record.counts,
  PublishResult: answers.publishResult,
  AckResult: answers.ackResult,
  ReleaseResult: answers.releaseResult,
  ExtendResult: answers.extendResult,
  ReceivedMessage: record.receivedMessage,
  Message: record.message,
  FailureRecord: record.failureRecord,
  DeathRecord: record.deathRecord,
  RedriveTask: record.redriveTask,
  Schedule: record.schedule,
  ScheduledMessage: record.scheduledMessage,
  ApiKey: record.apiKey,
  Problem: record.problem,
};

/** The object of a setting, whose fields may be left out. */
function given<Setting extends z.ZodType>(setting: z.ZodOptional<z.ZodNullable<Setting>>): Setting {
  return setting.unwrap().unwrap();
}

/** What takes no field has no body in the document: a generated client would send `null` for it. */
export function takesBody(operation: OperationName): boolean {
  const { method }: Route = routes[operation];
  return method !== 'GET' && method !== 'DELETE' && Object.keys(documentedInputs[operation].shape).length > 0;
}

export function componentSchemas(): { [name: string]: JsonObject } {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  for (const operation of answers.operationNames) {
    // An answer that has a name of its own keeps it.
    if (!registry.has(answers.outputs[operation])) registry.add(answers.outputs[operation], { id: ownName(operation, 'Output') });
    if (takesBody(operation) && !registry.has(documentedInputs[operation]))
      registry.add(documentedInputs[operation], { id: ownName(operation, 'Input') });
  }
  const { schemas } = z.toJSONSchema(registry, { ...dialect, uri: (id) => `#/components/schemas/${id}` });
  const components = Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutDialect(schema)]));
  const settingDefault = (name: string) => JSON.stringify(settingsDefaults[name as keyof typeof settingsDefaults]);
  sayDefaults(components.CreateQueueInput!, (name) => `Default \`${settingDefault(name)}\`.`);
  sayDefaults(components.UpdateQueueInput!, () => 'Default: it stays as it is.');
  sayDefaults(components.UpdateScheduleInput!, () => 'Default: it stays as it is.');
  return components;
}

/**
 * In words: a generated client would send a `default` of the schema wherever its caller sets nothing, and so change what was to stay, or name
 * two fields that do not go together.
 */
function sayDefaults({ properties }: JsonObject, defaultOf: (name: string) => string): void {
  for (const [name, property] of Object.entries(properties as { [name: string]: JsonObject })) {
    const said = String(property.description).replace(/ Default.*$/, '');
    property.description = `${said} ${defaultOf(name)}`;
  }
}

/** A schema that stands where it is used, such as that of a parameter, and its description beside it. */
export function inlineSchema(of: z.core.$ZodType): { description: unknown; schema: JsonObject } {
  const { description, ...schema } = withoutDialect(z.toJSONSchema(of, dialect));
  return { description, schema };
}

/** What a caller sends, less what only repeats: the pattern of a date, the largest of all integers. */
const dialect = {
  io: 'input',
  override: ({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }) => {
    if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (jsonSchema.type === 'number') jsonSchema.format = 'double';
    if (jsonSchema.isOpen) openEnumeration(jsonSchema);
    if (jsonSchema.nullMeansAbsent) nullable(jsonSchema);
    // What is said of a value that may be null is said of both.
    const said: string | undefined =
      jsonSchema.description ?? jsonSchema.anyOf?.find(({ description }) => description !== undefined)?.description;
    if (said !== undefined) jsonSchema.description = said;
    if ('default' in jsonSchema) {
      jsonSchema.description = `${said} Default \`${JSON.stringify(jsonSchema.default)}\`.`;
      delete jsonSchema.default;
    }
  },
} as const;

/** An extension that several tools know. A generated client accepts any text. */
function openEnumeration(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const { enum: values } = jsonSchema;
  delete jsonSchema.enum;
  delete jsonSchema.isOpen;
  jsonSchema['x-extensible-enum'] = values;
}

/** A client that was generated leaves out a list or map that may be null, where it would else send an empty one that nobody set. */
function nullable(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const { description, nullMeansAbsent: _, ...rest } = jsonSchema;
  for (const name of Object.keys(jsonSchema)) delete jsonSchema[name];
  Object.assign(jsonSchema, { description, anyOf: [rest, { type: 'null' }] });
}

/** OpenAPI 3.1 takes JSON Schema 2020-12 as it is, and names schemas by their place. */
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
