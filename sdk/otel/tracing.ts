/**
 * `dumbwaiter-queue/otel`: spans of OpenTelemetry for publish, receive, process and settle, by its semantic conventions for messaging
 * (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/). A published message carries the context of its publish span, and
 * the spans of its receivers link to it.
 */
import {
  type Attributes,
  type Context,
  context as contexts,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { DumbwaiterError } from '../../contract/errors.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import type { TracedMessage, Tracing } from '../calls/tracing.ts';
import { contextIn, withContext } from './trace-context.ts';

export interface OpenTelemetryOptions {
  /** Default: the global one. */
  tracerProvider?: TracerProvider;
  /**
   * Whether the span of a handler is part of its publisher's trace. Default false: it begins a trace of its own, which links to the
   * publisher's span.
   */
  continueTraces?: boolean;
}

const operationTypes = {
  publish: 'send',
  create: 'create',
  receive: 'receive',
  process: 'process',
  ack: 'settle',
  release: 'settle',
};
type Operation = keyof typeof operationTypes;

/** Traces a client: `new Dumbwaiter({ url, apiKey, tracing: openTelemetry() })`. */
export function openTelemetry({ tracerProvider, continueTraces = false }: OpenTelemetryOptions = {}): Tracing {
  const tracer = (tracerProvider ?? trace).getTracer('dumbwaiter-queue');
  /** The context of each handler. A consumer acks after its handler has returned. */
  const handling = new WeakMap<object, Context>();

  function start(
    operation: Operation,
    destination: string,
    messages: readonly unknown[],
    terms: { kind?: SpanKind; attributes?: Attributes; parent?: Context; startTime?: number } = {},
  ): Span {
    const { kind = SpanKind.CLIENT, attributes, parent = contexts.active(), startTime } = terms;
    const place = placeOf(destination);
    return tracer.startSpan(
      `${operation} ${place['messaging.destination.template'] ?? destination}`,
      {
        kind,
        links: messages.flatMap(linkTo),
        attributes: {
          'messaging.system': 'dumbwaiter',
          'messaging.operation.name': operation,
          'messaging.operation.type': operationTypes[operation],
          ...place,
          ...(messages.length !== 1 && { 'messaging.batch.message_count': messages.length }),
          ...(messages.length === 1 && attributesOf(messages[0])),
          ...attributes,
        },
        ...(startTime !== undefined && { startTime }),
      },
      parent,
    );
  }

  return {
    publish(operation, destination, entries, send) {
      // Tools pair a span of a producer with those that link to it.
      const isOrigin = entries.some(({ attributes }) => contextIn(attributes) === undefined);
      const span = start(operation, destination, entries, { kind: isOrigin ? SpanKind.PRODUCER : SpanKind.CLIENT });
      const sent = contexts.with(trace.setSpan(contexts.active(), span), () =>
        send(entries.map((entry) => withContext(entry, span.spanContext()))),
      );
      void endWith(span, sent, entries.length === 1);
      return sent;
    },

    /** Nothing received makes no span, because an idle consumer receives all the time. So the span is made afterwards. */
    async receive(queue, receive) {
      const startTime = Date.now();
      const received = await receive().catch((error: unknown) => {
        // Other errors are those of an abort.
        if (error instanceof DumbwaiterError) {
          const span = start('receive', queue, [], { startTime });
          fail(span, error);
          span.end();
        }
        throw error;
      });
      if (received.messages.length > 0) start('receive', queue, received.messages, { startTime }).end();
      return received;
    },

    async handle(queue, message, handler) {
      const origin = continueTraces ? contextIn(message.attributes) : undefined;
      const parent = origin ? trace.setSpanContext(ROOT_CONTEXT, origin) : ROOT_CONTEXT;
      const span = start('process', queue, [message], { kind: SpanKind.CONSUMER, parent });
      const context = trace.setSpan(parent, span);
      handling.set(message, context);
      try {
        return await contexts.with(context, handler);
      } catch (error) {
        fail(span, error);
        throw error;
      } finally {
        span.end();
      }
    },

    settle(operation, queue, messages, send) {
      const [first] = messages;
      const handled = messages.length === 1 && typeof first === 'object' ? handling.get(first) : undefined;
      const active = contexts.active();
      const parent = handled && !trace.getSpan(active) ? handled : active;
      const span = start(operation, queue, messages, { parent });
      const sent = contexts.with(trace.setSpan(parent, span), send);
      void endWith(span, sent, false);
      return sent;
    },

    detached: (run) => contexts.with(ROOT_CONTEXT, run),
  };
}

/** Each program that listens to a broadcast has a queue under a random name, which must not make a span name of its own. */
function placeOf(destination: string): Attributes {
  const broadcast = /^(.*~broadcast)-[0-9a-f-]{36}$/.exec(destination)?.[1];
  return {
    'messaging.destination.name': destination,
    ...(broadcast && { 'messaging.destination.template': `${broadcast}-{id}`, 'messaging.destination.temporary': true }),
  };
}

/** A message of which only the receipt is known has no link. */
function linkTo(message: unknown): Link[] {
  const { attributes } = message as Partial<TracedMessage>;
  const context = contextIn(attributes);
  return context ? [{ context, attributes: attributesOf(message) }] : [];
}

function attributesOf(message: unknown): Attributes {
  const { id, receives, group } = message as Partial<TracedMessage>;
  return {
    ...(id !== undefined && { 'messaging.message.id': id }),
    ...(receives !== undefined && { 'messaging.dumbwaiter.message.receives': receives }),
    ...(group !== undefined && { 'messaging.dumbwaiter.message.group': group }),
  };
}

/** Ends a span when all entries of its call have an answer. It failed if any of them was refused. Never rejects. */
async function endWith(span: Span, sent: readonly Promise<unknown>[], isOneMessage: boolean): Promise<void> {
  const answers = await Promise.allSettled(sent);
  const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : refusalIn(answer.value)));
  if (errors.length > 0) fail(span, errors[0], answers.length > 1 ? `${errors.length} of ${answers.length}: ` : '');
  const [first] = answers;
  if (isOneMessage && first?.status === 'fulfilled') span.setAttributes(attributesOf({ id: idIn(first.value) }));
  span.end();
}

function refusalIn(answer: unknown): DumbwaiterError[] {
  const { ok, code, message } = (answer ?? {}) as { ok?: boolean } & DumbwaiterError;
  return ok === false ? [new DumbwaiterError(code, message)] : [];
}

/** The id that the queue gave to the only message of a publish, or of the entries of a transaction. */
function idIn(answer: unknown): string | undefined {
  const { id, ids } = (answer ?? {}) as { id?: string; ids?: string[] };
  return id ?? ids?.[0];
}

function fail(span: Span, error: unknown, prefix = ''): void {
  const message = textOfThrown(error);
  const name = error instanceof DumbwaiterError ? error.code : error instanceof Error ? error.name : '_OTHER';
  span.setAttribute('error.type', name);
  span.recordException(error instanceof Error ? error : message);
  span.setStatus({ code: SpanStatusCode.ERROR, message: `${prefix}${message}` });
}
