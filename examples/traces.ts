/** Traces with OpenTelemetry: the span of a handler links to the span that published its message. Needs @opentelemetry/api and an SDK. */
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Dumbwaiter } from '../sdk/index.ts';
import { openTelemetry } from '../sdk/otel/tracing.ts';

// Your program has this set up already, with an exporter that sends its spans to a backend.
const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

const dumbwaiter = new Dumbwaiter({
  url: process.env.DUMBWAITER_URL ?? 'http://127.0.0.1:8420',
  apiKey: process.env.DUMBWAITER_API_KEY ?? '',
  tracing: openTelemetry(),
});
const tracer = trace.getTracer('shop');
const packing = dumbwaiter.queue<{ order: number }>('packing');
await packing.create();

await tracer.startActiveSpan('checkout', async (span) => {
  await packing.publish({ body: { order: 7 } });
  span.end();
});
const consumer = packing.consume(({ body }) => tracer.startActiveSpan(`pack order ${body.order}`, (span) => span.end()));
await new Promise((resolve) => consumer.on('ack', resolve));
await consumer.stop();

const spans = exporter.getFinishedSpans();
const nameOf = (spanId?: string) => spans.find((span) => span.spanContext().spanId === spanId)?.name;
for (const { name, parentSpanContext, links } of spans) {
  const parent = nameOf(parentSpanContext?.spanId);
  console.log(name, ...(parent ? [`in ${parent}`] : []), ...links.map((link) => `linked to ${nameOf(link.context.spanId)}`));
}
