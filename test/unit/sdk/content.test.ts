import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonText } from '../../../contract/json-text.ts';
import { stringify } from '../../../contract/json-values.ts';
import { bodyOf, contentOf } from '../../../sdk/calls/content.ts';

const cycle: unknown[] = [];
cycle.push(cycle);

describe('a body', () => {
  it('a body of bytes travels as base64 and comes back the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
        const { bodyBase64 = '' } = contentOf(bytes);
        expect(bodyBase64).toBe(Buffer.from(bytes).toString('base64'));
        expect(bodyOf({ bodyBase64 })).toEqual(bytes);
      }),
    );
  });

  it('a body of bytes is recognized in whatever realm it was created', () => {
    expect(contentOf(runInNewContext('new Uint8Array([1, 2])'))).toEqual({ bodyBase64: 'AQI=' });
    expect(contentOf(Buffer.from('hi'))).toEqual({ bodyBase64: 'aGk=' });
  });

  it('a body of JSON comes back as JSON represents it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(bodyOf(contentOf(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(contentOf(new Date(0))).toEqual({ body: '1970-01-01T00:00:00.000Z' });
    expect(contentOf({ left: undefined, kept: null })).toEqual({ body: { kept: null } });
  });

  it('a body with a bigint or JSON text within travels as text', () => {
    const { body } = contentOf({ id: 1970670598291982290n, given: jsonText('1.0') });
    expect(stringify(body)).toBe('{"id":1970670598291982290,"given":1.0}');
  });

  it.each<[string, unknown]>([
    ['body is NaN', Number.NaN],
    ['body is undefined', undefined],
    ['body is function', () => 1],
    ['body is symbol', Symbol('s')],
    ['body[0] is a cycle', cycle],
    ['body is Float32Array', new Float32Array(1)],
    ['body is DataView', new DataView(new ArrayBuffer(1))],
    ['body is ArrayBuffer', new ArrayBuffer(1)],
    ['body is Map', new Map([['a', 1]])],
    ['body is Set', new Set([1])],
    ['body is Error', new Error('no')],
    ['body is RangeError', Object.assign(new RangeError('no'), { code: 5 })],
    ['body is Promise', Promise.resolve(1)],
    ['body is RegExp', /a/],
    ['body is an invalid Date', new Date(Number.NaN)],
    ['body.items[1].price is Infinity', { items: [{ price: 1 }, { price: Number.POSITIVE_INFINITY }] }],
    ['body.tags is Map', { tags: new Map() }],
    ['body.image is Uint8Array', { image: new Uint8Array(2) }],
    ['body.image is Buffer', { image: Buffer.from('hi') }],
    ['body.render is function', { total: 1, render: () => 1 }],
    ['body[1] is undefined', [1, undefined]],
    ['body.at[0] is NaN', { at: { toJSON: () => [Number.NaN] } }],
    [
      'body.secret is Secret',
      {
        secret: new (class Secret {
          #text = 'x';
          get text() {
            return this.#text;
          }
        })(),
      },
    ],
  ])('a body that JSON would change is refused with the place: %s', (message, body) => {
    expect(() => contentOf(body)).toThrow(new TypeError(`${message}, which JSON does not have`));
  });

  it('a body may hold what JSON can express: dates, objects of classes, objects without a prototype, one object twice', () => {
    class Order {
      total = 1;
      note: string | undefined = undefined;
    }
    const bare = Object.assign(Object.create(null), { a: 1 });
    const shared = { n: 1 };
    const body = {
      at: new Date(0),
      order: new Order(),
      bare,
      none: {},
      twice: [shared, shared],
      foreign: runInNewContext('({})'),
    };
    expect(contentOf(body)).toEqual({
      body: {
        at: '1970-01-01T00:00:00.000Z',
        order: { total: 1 },
        bare: { a: 1 },
        none: {},
        twice: [{ n: 1 }, { n: 1 }],
        foreign: {},
      },
    });
  });
});
