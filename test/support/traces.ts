/** The OpenTelemetry SDK in memory, with its context manager installed: one for each test file. */
import { context, type SpanContext } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { eventually } from './eventually.ts';

export class Traces {
  readonly #exporter = new InMemorySpanExporter();
  readonly provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.#exporter)] });
  readonly tracer = this.provider.getTracer('tests');

  constructor() {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  }

  async close(): Promise<void> {
    context.disable();
    await this.provider.shutdown();
  }

  /** Runs something in a span of the caller's. Returns its answer and the span's context. */
  async within<T>(name: string, run: () => Promise<T>): Promise<{ answer: T; caller: SpanContext }> {
    return this.tracer.startActiveSpan(name, async (span) => {
      const answer = await run();
      span.end();
      return { answer, caller: span.spanContext() };
    });
  }

  /** The ended spans of a name, in the order in which they ended. */
  named(name: string): ReadableSpan[] {
    return this.#exporter.getFinishedSpans().filter((span) => span.name === name);
  }

  /** The first span of a name, once it has ended. */
  ended(name: string): Promise<ReadableSpan> {
    return eventually(() => this.named(name)[0]);
  }
}

export const traceparentOf = ({ traceId, spanId }: SpanContext) => `00-${traceId}-${spanId}-01`;

/** The ids of the spans that a span links to. */
export const linksOf = ({ links }: ReadableSpan) => links.map(({ context }) => context.spanId);
