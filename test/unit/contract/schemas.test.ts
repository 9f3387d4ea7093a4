import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZodOptional, type z } from 'zod';
import type { InputOf, OperationName, ParamsOf } from '../../../contract/contract.ts';
import { DumbwaiterError } from '../../../contract/errors.ts';
import * as limits from '../../../contract/limits.ts';
import { inputs, type params, parseInput, parseParams, parsePublishEntry } from '../../../contract/schemas/parse.ts';

/** The schemas equal the contract, except for entries of batches, which are checked one by one. */
type Undefinable<T> = { [Key in keyof T]: T[Key] | undefined };
type Batches = 'publish' | 'ack' | 'release' | 'extend';
type Agrees<Given, Wanted> = Given extends Wanted ? true : { given: Given; wanted: Wanted };
const inputsAgree: {
  [Name in Exclude<OperationName, Batches>]: Agrees<z.output<(typeof inputs)[Name]>, Undefinable<InputOf<Name>>>;
}[Exclude<OperationName, Batches>] = true;
const paramsAgree: { [Name in OperationName]: Agrees<z.output<(typeof params)[Name]>, ParamsOf<Name>> }[OperationName] = true;

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(DumbwaiterError);
    expect((error as DumbwaiterError).code).toBe('invalid_input');
    return (error as DumbwaiterError).message;
  }
  throw new Error('It was not refused.');
}

describe('the input of a call', () => {
  it('the types of the input schemas equal those of the contract', () => {
    expect(inputsAgree && paramsAgree).toBe(true);
  });

  it('a parsed input equals the given one, without defaults', () => {
    expect(parseInput('receive', {})).toEqual({});
    expect(parseInput('receive', { max: 3 })).toEqual({ max: 3 });
    const settings = { retentionSeconds: null, deadLetter: null, backoff: null, visibilityTimeoutSeconds: 0 };
    expect(parseInput('createQueue', settings)).toEqual(settings);
  });

  it('an input may have an optional field with the value undefined, as in-process callers send it', () => {
    expect(parseInput('receive', { max: undefined }).max).toBeUndefined();
  });

  it.each<[OperationName, unknown, string]>([
    ['receive', { maximum: 1 }, 'maximum: unknown field; the nearest is max'],
    ['receive', { waitsecond: 1 }, 'waitsecond: unknown field; the nearest is waitSeconds'],
    ['receive', { visibility: 1 }, 'visibility: unknown field; the nearest is visibilityTimeoutSeconds'],
    ['receive', JSON.parse('{"__proto__":{"max":1}}'), '__proto__: unknown field; the nearest is max'],
    ['receive', [], 'input: must be a JSON object, was a list of 0'],
    ['receive', 'text', 'input: must be a JSON object, was "text"'],
    ['receive', { max: 0 }, 'max: must be a whole number from 1 to 100, was 0'],
    ['receive', { max: 101 }, 'max: must be a whole number from 1 to 100, was 101'],
    ['receive', { max: '5' }, 'max: must be a whole number from 1 to 100, was "5"'],
    ['receive', { waitSeconds: -1 }, 'waitSeconds: must be a whole number of seconds from 0 to 20, was -1'],
    ['receive', { waitSeconds: 0.5 }, 'waitSeconds: must be a whole number of seconds from 0 to 20, was 0.5'],
    ['receive', { max: Number.NaN }, 'max: must be a whole number from 1 to 100, was NaN'],
    ['purge', { queue: 'x' }, 'queue: unknown field'],
    ['publish', {}, 'messages: must be a list of 1 to 100 entries, is missing'],
    ['publish', { messages: [] }, 'messages: must be a list of 1 to 100 entries, was a list of 0'],
    ['publish', { messages: {} }, 'messages: must be a list of 1 to 100 entries, was an object'],
    ['publish', { messages: Array(101).fill({}) }, 'messages: must be a list of 1 to 100 entries, was a list of 101'],
    ['ack', { receipts: [] }, 'receipts: must be a list of 1 to 100 entries, was a list of 0'],
    ['release', { receipts: ['r'], failed: 5 }, 'failed: must be a text, was 5'],
    [
      'createQueue',
      { deadLetter: { queue: 'a', maxReceives: 1, x: 1 } },
      'deadLetter.x: unknown field; the nearest is maxReceives',
    ],
    [
      'createQueue',
      { deadLetter: { queue: 'a b', maxReceives: 1 } },
      'deadLetter.queue: must be 1 to 80 characters of A-Z a-z 0-9 _ -, which .fifo may end, or topic~subscription, was "a b"',
    ],
    [
      'createQueue',
      { backoff: { minSeconds: 5, maxSeconds: 4, factor: 1, jitter: 0 } },
      'backoff.maxSeconds: must be at least minSeconds',
    ],
    ['createQueue', { retentionSeconds: 59 }, 'retentionSeconds: must be a whole number of seconds from 60 to 315360000, was 59'],
    ['redrive', { from: 'yesterday' }, 'from: must be an instant of RFC 3339, such as 2026-01-31T12:00:00.000Z, was "yesterday"'],
    ['redrive', { ids: ['a', 'b c'] }, 'ids[1]: must be 1 to 140 characters of A-Z a-z 0-9 _ . : - @ ~, was "b c"'],
    ['peek', { state: 'gone' }, 'state: must be one of delayed, ready, leased, dead, prepared, was "gone"'],
    [
      'peek',
      { attribute: ['kind'] },
      'attribute[0]: must be name=value: a name of 1 to 128 characters of A-Z a-z 0-9 _ . -, and a value of at most 1024 characters, was "kind"',
    ],
    ['peek', { attribute: Array(6).fill('a=b') }, 'attribute: must be a list of 1 to 5 entries, was a list of 6'],
    ['peek', { text: '' }, 'text: must be a text of 1 to 256 characters, was ""'],
    ['peek', { from: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }, 'until: must not be before `from`'],
    [
      'createKey',
      { name: 'k', queues: ['*'], scopes: ['admin', 'admin'] },
      'scopes: must not name a scope twice, was a list of 2',
    ],
    ['createKey', { name: 'k', queues: [], scopes: ['admin'] }, 'queues: must have a pattern if the key has no topics'],
    [
      'createKey',
      { name: 'k', queues: [], topics: ['a~b'], scopes: ['admin'] },
      'topics[0]: must be 1 to 80 characters of A-Z a-z 0-9 _ - and *, was "a~b"',
    ],
  ])('an input of %s is refused with the name of its field: %j', (operation, input, message) => {
    expect(refusal(() => parseInput(operation, input))).toBe(message);
  });

  it.each([
    [{ deadLetter: { queue: 'd' } }, { deadLetter: { queue: 'd', maxReceives: 5 } }],
    [{ backoff: {} }, { backoff: { minSeconds: 1, maxSeconds: 900, factor: 2, jitter: 0.5 } }],
    [{ backoff: { minSeconds: 5 } }, { backoff: { minSeconds: 5, maxSeconds: 900, factor: 2, jitter: 0.5 } }],
    [{ priority: { levels: 3 } }, { priority: { levels: 3, order: 'strict' } }],
    [
      { groups: { concurrency: 2 } },
      { groups: { concurrency: 2, onFailure: 'block', ratePerSecond: null, deadLetters: 'apart' } },
    ],
    [{ limits: { concurrency: 9 } }, { limits: { concurrency: 9, ratePerSecond: null } }],
    [{ deduplication: {} }, { deduplication: { windowSeconds: null, onDuplicate: 'ignore' } }],
    [{ prepared: {} }, { prepared: { timeoutSeconds: 300, checkBack: null } }],
    [{ keep: { doneSeconds: 60 } }, { keep: { doneSeconds: 60, deadSeconds: 0 } }],
    [{ sqs: {} }, { sqs: { extended: false } }],
  ])('an input may have a part of a nested setting: %j', (given, whole) => {
    expect(parseInput('createQueue', given)).toEqual(whole);
    expect(parseInput('updateQueue', given)).toEqual(whole);
  });

  it.each<[string, unknown, string]>([
    ['a dead-letter queue', { deadLetter: { maxReceives: 3 } }, 'deadLetter.queue: must be'],
    ['levels of priority', { priority: { order: 'strict' } }, 'priority.levels: must be'],
    ['a cap below its least wait', { backoff: { minSeconds: 3600 } }, 'backoff.maxSeconds: must be at least minSeconds'],
  ])('an input without a part that has no default is refused: %s', (_, given, message) => {
    expect(refusal(() => parseInput('createQueue', given))).toContain(message);
  });

  /** The least input of each operation. */
  const least: Partial<Record<OperationName, object>> = {
    publish: { messages: [{ body: 1 }] },
    publishItems: { messages: [{ body: 1 }] },
    ack: { receipts: ['r'] },
    ackItems: { receipts: ['r'] },
    release: { receipts: ['r'] },
    extend: { receipts: ['r'] },
    updateMessage: { priority: 1, delaySeconds: 1 },
    putSchedule: { queue: 'q', everySeconds: 60, message: { body: 1 } },
    putTarget: { url: 'https://example.test/' },
    testSubscription: { body: 1 },
    createKey: { name: 'k', queues: ['*'], scopes: ['admin'] },
  };
  /** The fields in which null is a value. */
  const nullIsValue = [
    ...[
      'retentionSeconds',
      'deadLetter',
      'backoff',
      'priority',
      'groups',
      'limits',
      'deduplication',
      'prepared',
      'keep',
      'sqs',
    ].flatMap((name) => [`createQueue.${name}`, `updateQueue.${name}`]),
    ...['putSchedule', 'updateSchedule'].flatMap((name) => [`${name}.startAt`, `${name}.endAt`]),
    ...['subscribe', 'updateSubscription'].flatMap((name) => [
      `${name}.subject`,
      `${name}.filter`,
      `${name}.expiresAfterSeconds`,
    ]),
    ...['createTopic', 'updateTopic'].map((name) => `${name}.preparedTimeoutSeconds`),
    'ack.result',
  ];

  it('null counts as absent in every field where null is no value', () => {
    const values: string[] = [];
    let absent = 0;
    for (const operation of Object.keys(inputs) as OperationName[]) {
      const given = least[operation] ?? {};
      for (const [name, field] of Object.entries(inputs[operation].shape)) {
        if (!(field instanceof ZodOptional) || name in given) continue;
        const parsed = parseInput(operation, { ...given, [name]: null });
        if (name in parsed) values.push(`${operation}.${name}`);
        else absent += 1;
      }
    }
    expect(values.sort()).toEqual(nullIsValue.sort());
    expect(absent).toBeGreaterThan(25);
    expect(parseInput('receive', null)).toEqual({});
    expect(refusal(() => parseInput('ack', null))).toBe('receipts: must be a list of 1 to 100 entries, is missing');
  });

  it('null counts as absent within a nested object, and a required field refuses it', () => {
    const checkBack = { url: 'https://example.test/', functionName: null };
    const prepared = { timeoutSeconds: 60, checkBack };
    expect(parseInput('createQueue', { prepared })).toEqual({
      prepared: { timeoutSeconds: 60, checkBack: { url: 'https://example.test/' } },
    });
    const message = { body: 1, bodyBase64: null, attributes: null, priority: null };
    const every = { queue: 'q', everySeconds: 60, cron: null, timeZone: null };
    expect(parseInput('putSchedule', { ...every, message })).toEqual({ queue: 'q', everySeconds: 60, message: { body: 1 } });
    expect(refusal(() => parseInput('putSchedule', { ...every, queue: null, message }))).toContain('queue: must be 1 to 80');
  });

  it('only the field body edits a body, so a body that is missing or null never becomes null', () => {
    const unset = { content: null, attributes: null, deliverAt: null, priority: null };
    expect(parseInput('updateMessage', { ...unset, delaySeconds: 5 })).toEqual({ delaySeconds: 5 });
    expect(refusal(() => parseInput('updateMessage', { body: null, delaySeconds: 5 }))).toBe(
      'body: unknown field; the nearest is content',
    );
    expect(refusal(() => parseInput('updateMessage', unset))).toBe('input: must name something to change');
    expect(refusal(() => parseInput('updateMessage', { content: {} }))).toContain('content: must have exactly one of');
    expect(parseInput('updateMessage', { content: { body: null } })).toEqual({ content: { body: null } });
    const bytes = { content: { body: null, bodyBase64: 'AA==' } };
    expect(parseInput('updateMessage', bytes)).toEqual({ content: { bodyBase64: 'AA==' } });
  });

  it('a jitter too near to 0 for DynamoDB to store is refused', () => {
    const backoff = { minSeconds: 0, maxSeconds: 0, factor: 1, jitter: 5e-324 };
    expect(parseInput('createQueue', { backoff })).toEqual({ backoff: { ...backoff, jitter: 0 } });
  });

  it('an error of an input names every mistake, up to a bounded length', () => {
    const message = refusal(() =>
      parseInput('receive', { max: 0, waitSeconds: -1, visibilityTimeoutSeconds: 'x'.repeat(10_000) }),
    );
    expect(message).toContain('max:');
    expect(message).toContain('waitSeconds:');
    expect(message).toContain('(10002 characters)');
    expect(message.length).toBeLessThan(500);
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`${'f'.repeat(100)}${i}`, 1]));
    expect(refusal(() => parseInput('receive', many)).length).toBeLessThan(1000);
  });

  it('an input accepts receipts of any type, so that each one is refused by itself', () => {
    const receipts = [1, null, 'x'.repeat(limits.receiptCharsMax + 1)];
    expect(parseInput('ack', { receipts }).receipts).toEqual(receipts);
  });
});

describe('the parameters of a call', () => {
  it.each([
    '',
    'a b',
    'ä',
    'a/b',
    '../x',
    'x'.repeat(limits.queueNameCharsMax + 1),
    '.fifo',
    'a.b',
    'a.fif',
    'a.FIFO',
    'a.fifo.fifo',
    'topic~a.fifo',
    `${'x'.repeat(limits.queueNameCharsMax - 4)}.fifo`,
  ])('a call refuses the queue name %j', (queue) => {
    expect(refusal(() => parseParams('getQueue', { queue }))).toContain('queue: must be 1 to 80 characters');
  });

  it('a call accepts the longest queue name', () => {
    const queue = 'x'.repeat(limits.queueNameCharsMax);
    expect(parseParams('getQueue', { queue })).toEqual({ queue });
  });

  it('a call accepts a queue name that ends with .fifo, up to the same length', () => {
    for (const queue of ['a.fifo', `${'x'.repeat(limits.queueNameCharsMax - 5)}.fifo`]) {
      expect(parseParams('createQueue', { queue })).toEqual({ queue });
      expect(parseParams('publish', { queue })).toEqual({ queue });
    }
  });
});

describe('an entry of a publish', () => {
  const said = (entry: unknown) => {
    const parsed = parsePublishEntry(entry, 3);
    return 'ok' in parsed ? parsed : undefined;
  };

  it.each([
    { body: null },
    { body: false },
    { body: '' },
    { body: { a: [1, 'x', { b: null }] }, id: 'order-1:a.b_c', delaySeconds: 0, attributes: { a: 'x', 'b.c-d_e': -1.5 } },
    { bodyBase64: '' },
    { bodyBase64: 'AAECAw==' },
    { body: 1, delaySeconds: limits.delaySecondsMax },
  ])('the entry %j is accepted unchanged', (entry) => {
    expect(parsePublishEntry(entry, 0)).toEqual(entry);
  });

  it('an entry loses its nulls, except for a body of null', () => {
    const unset = { id: null, delaySeconds: null, deliverAt: null, priority: null, group: null, prepared: null, dedupKey: null };
    expect(parsePublishEntry({ ...unset, body: null, bodyBase64: null, attributes: null }, 0)).toEqual({ body: null });
    expect(parsePublishEntry({ ...unset, body: null, bodyBase64: 'AA==' }, 0)).toEqual({ bodyBase64: 'AA==' });
    expect(parsePublishEntry({ ...unset, body: 1, group: 'g' }, 0)).toEqual({ body: 1, group: 'g' });
  });

  it.each<[unknown, string]>([
    [1, 'messages[3]: must be an object, was 1'],
    [null, 'messages[3]: must be an object, was null'],
    [{}, 'messages[3]: must have exactly one of body and bodyBase64'],
    [{ body: 1, bodyBase64: '' }, 'messages[3]: must have exactly one of body and bodyBase64'],
    [{ body: 1, text: 2 }, 'messages[3].text: unknown field; the nearest is body'],
    [{ body: 1, delaySeconds: -1 }, 'messages[3].delaySeconds: must be a whole number of seconds from 0 to 315360000, was -1'],
    [{ body: 1, delaySeconds: 1.5 }, 'messages[3].delaySeconds: must be a whole number of seconds from 0 to 315360000, was 1.5'],
    [{ body: 1, id: 'a b' }, 'messages[3].id: must be 1 to 128 characters of A-Z a-z 0-9 _ . : -, was "a b"'],
    [
      { body: 1, id: '0123456789abcdefghjkmnpq~0' },
      'messages[3].id: must be 1 to 128 characters of A-Z a-z 0-9 _ . : -, was "0123456789abcdefghjkmnpq~0"',
    ],
    [
      { body: 1, attributes: { 'a b': 1 } },
      'messages[3].attributes.a b: must be 1 to 128 characters of A-Z a-z 0-9 _ . -, was "a b"',
    ],
    [
      { body: 1, attributes: { a: true } },
      'messages[3].attributes.a: must be a text of at most 1024 characters or a finite number, was true',
    ],
    [{ body: 1, attributes: JSON.parse('{"__proto__":1}') }, 'messages[3].attributes.__proto__: is not allowed as a name'],
    [
      { body: 1, attributes: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`a${i}`, 1])) },
      'messages[3].attributes: must be at most 20 attributes',
    ],
    [{ bodyBase64: 5 }, 'messages[3].bodyBase64: must be a base64 text, was 5'],
  ])('an entry is refused with the name of its field: %j', (entry, message) => {
    expect(said(entry)).toEqual({ ok: false, code: 'invalid_input', message });
  });

  it('an entry refuses an attribute with one character too many', () => {
    expect(said({ body: 1, attributes: { a: 'x'.repeat(limits.attributeStringCharsMax) } })).toBeUndefined();
    expect(said({ body: 1, attributes: { a: 'x'.repeat(limits.attributeStringCharsMax + 1) } })?.message).toContain(
      '(1027 characters)',
    );
  });

  it('an entry accepts a body of exactly the limit in bytes of UTF-8 and refuses one byte more', () => {
    for (const character of ['x', 'ä', '語', '😀', '"', '\ud800']) {
      const bytesEach = Buffer.byteLength(JSON.stringify(character)) - 2;
      const fits = character.repeat(Math.floor((limits.bodyBytesMax - 2) / bytesEach));
      const filled = fits + 'x'.repeat(limits.bodyBytesMax - 2 - fits.length * (bytesEach / character.length));
      expect(Buffer.byteLength(JSON.stringify(filled))).toBe(limits.bodyBytesMax);
      expect(said({ body: filled })).toBeUndefined();
      expect(said({ body: `${filled}x` })?.message).toBe(
        `messages[3].body: must be at most ${limits.bodyBytesMax} bytes, was ${limits.bodyBytesMax + 1} bytes as JSON text`,
      );
    }
  });

  it('an entry accepts bytes of exactly the limit and refuses one more', () => {
    expect(said({ bodyBase64: Buffer.alloc(limits.bodyBytesMax).toString('base64') })).toBeUndefined();
    expect(said({ bodyBase64: Buffer.alloc(limits.bodyBytesMax + 1).toString('base64') })?.message).toBe(
      `messages[3].bodyBase64: must be at most ${limits.bodyBytesMax} bytes, was ${limits.bodyBytesMax + 1} bytes`,
    );
  });

  it('an entry accepts a body nested to the limit, and refuses any deeper one without a crash', () => {
    const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
    expect(said({ body: nested(limits.bodyDepthMax) })).toBeUndefined();
    for (const depth of [limits.bodyDepthMax + 1, 100_000]) {
      expect(said({ body: nested(depth) })?.message).toBe(
        `messages[3].body: must not be nested deeper than ${limits.bodyDepthMax}`,
      );
    }
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(said({ body: cycle })?.message).toContain('nested deeper');
  });

  it('an entry refuses values that JSON cannot express, and bounds the time for values that share parts', () => {
    for (const body of [() => 1, Symbol('s'), 1n, Number.NaN, Number.POSITIVE_INFINITY, [1, [Number.NaN]]]) {
      expect(said({ body })?.message).toBe('messages[3].body: must be a JSON value');
    }
    let shared: unknown[] = [];
    for (let i = 0; i < 100; i++) shared = [shared, shared];
    expect(said({ body: shared })?.message).toContain('must be at most');
  });

  it('an error of an entry never quotes the body', () => {
    const secret = 'do-not-tell';
    const deep = JSON.parse(`${'['.repeat(300)}"${secret}"${']'.repeat(300)}`);
    for (const entry of [
      { body: deep },
      { bodyBase64: `${secret}!` },
      { body: secret.repeat(200_000) },
      { body: secret, bodyBase64: secret },
    ]) {
      expect(said(entry)?.message).not.toContain(secret);
    }
  });

  it('an entry accepts as base64 exactly the texts that encode bytes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('A', 'B', 'g', 'w', '/', '+', '=', '-', '\n', 'é'), maxLength: 9 }),
        (text) => {
          const encodes = Buffer.from(text, 'base64').toString('base64') === text;
          expect(said({ bodyBase64: text }) === undefined).toBe(encodes);
        },
      ),
    );
  });

  it('an entry of any JSON value is accepted or refused without an exception', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (entry) => {
        const parsed = parsePublishEntry(entry, 0);
        if (!('ok' in parsed)) expect(parsed).toEqual(entry);
      }),
    );
  });

  it('an entry accepts every JSON body unchanged', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (body) => {
        expect(parsePublishEntry({ body }, 0)).toEqual({ body });
      }),
    );
  });
});
