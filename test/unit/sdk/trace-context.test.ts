import { createTraceState, type SpanContext, type TraceState } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { attributeStringCharsMax } from '../../../contract/limits.ts';
import { contextIn, withContext } from '../../../sdk/otel/trace-context.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${spanId}-01`;
const context: SpanContext = { traceId, spanId, traceFlags: 1 };
const stateOf = (text: string): TraceState => ({ ...createTraceState(), serialize: () => text });

describe('the trace context in the attributes of a message', () => {
  it.each([
    ['of version 00', traceparent],
    ['of a later version', `01-${traceId}-${spanId}-01`],
    ['of a later version with more fields', `cc-${traceId}-${spanId}-01-what-else`],
    ['as JSON text', JSON.stringify(traceparent)],
  ])('a traceparent %s is read', (_, given) => {
    expect(contextIn({ traceparent: given })).toEqual({ ...context, isRemote: true });
  });

  it('the flags and the tracestate are read', () => {
    const read = contextIn({ traceparent: `00-${traceId}-${spanId}-00`, tracestate: 'a=1,b=2' });
    expect([read?.traceFlags, read?.traceState?.serialize()]).toEqual([0, 'a=1,b=2']);
  });

  it.each<[string, Record<string, string | number> | undefined]>([
    ['no attributes', undefined],
    ['no traceparent', { tracestate: 'a=1' }],
    ['a number', { traceparent: 1 }],
    ['capital letters', { traceparent: traceparent.toUpperCase() }],
    ['version ff', { traceparent: `ff-${traceId}-${spanId}-01` }],
    ['more fields than version 00 has', { traceparent: `${traceparent}-more` }],
    ['a trace id of zeros', { traceparent: `00-${'0'.repeat(32)}-${spanId}-01` }],
    ['a span id of zeros', { traceparent: `00-${traceId}-${'0'.repeat(16)}-01` }],
    ['other text', { traceparent: 'none' }],
    ['text that only begins like JSON', { traceparent: '"', tracestate: '"' }],
  ])('%s: there is no trace context', (_, attributes) => {
    expect(contextIn(attributes)).toBeUndefined();
  });

  it.each([
    ['absent attributes', {}, { traceparent }],
    ['attributes', { a: 1 }, { a: 1, traceparent }],
    ['a tracestate without traceparent', { tracestate: 'mine' }, { tracestate: 'mine' }],
    ['another traceparent', { traceparent: 'mine' }, { traceparent: 'mine' }],
  ])('to %s it is added only where nothing is overwritten', (_, attributes, expected) => {
    expect(withContext({ body: 1, attributes }, context)).toEqual({ body: 1, attributes: expected });
  });

  it('a tracestate that is longer than an attribute may be is left out', () => {
    const added = (length: number) =>
      Object.keys(withContext({ body: 1 }, { ...context, traceState: stateOf('s'.repeat(length)) }).attributes ?? {});
    expect(added(attributeStringCharsMax)).toEqual(['traceparent', 'tracestate']);
    expect(added(attributeStringCharsMax + 1)).toEqual(['traceparent']);
    expect(added(0)).toEqual(['traceparent']);
  });

  it('the context of a span that records nothing and has no trace is not added', () => {
    expect(withContext({ body: 1 }, { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 })).toEqual({ body: 1 });
  });

  it.each([['a list'], ['a text']])('attributes that are %s, which the queue refuses, stay as they are', (kind) => {
    const attributes = (kind === 'a list' ? ['a'] : 'a') as never;
    expect(withContext({ body: 1, attributes }, context)).toEqual({ body: 1, attributes });
  });
});
