import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyOf, contentOf } from '../../sdk/content.ts';
import { jsonText, stringify } from '../../sdk/json-text.ts';

describe('a body', () => {
  it('of bytes travels as base64 and comes back the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
        const { bodyBase64 = '' } = contentOf(bytes);
        expect(bodyBase64).toBe(Buffer.from(bytes).toString('base64'));
        expect(bodyOf({ bodyBase64 })).toEqual(bytes);
      }),
    );
  });

  it('of bytes is known as such in whatever realm it was made', () => {
    expect(contentOf(runInNewContext('new Uint8Array([1, 2])'))).toEqual({ bodyBase64: 'AQI=' });
    expect(contentOf(Buffer.from('hi'))).toEqual({ bodyBase64: 'aGk=' });
  });

  it('of JSON comes back as JSON has it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(bodyOf(contentOf(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(contentOf(new Date(0))).toEqual({ body: '1970-01-01T00:00:00.000Z' });
    expect(contentOf({ left: undefined, kept: null })).toEqual({ body: { kept: null } });
  });

  it('with a bigint or a text within travels as text', () => {
    const { body } = contentOf({ id: 1970670598291982290n, given: jsonText('1.0') });
    expect(stringify(body)).toBe('{"id":1970670598291982290,"given":1.0}');
  });

  it('without JSON is refused', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const binary = [new Float32Array(1), new DataView(new ArrayBuffer(1)), new ArrayBuffer(1)];
    for (const body of [...binary, undefined, () => 1, Symbol('s'), cycle]) expect(() => contentOf(body)).toThrow(TypeError);
  });
});
