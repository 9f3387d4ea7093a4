import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../contract/errors.ts';
import { bodyBytesMax, bodyDepthMax, callBytesMax, receiptCharsMax } from '../../contract/limits.ts';
import { expectProblem, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

let queue: LocalQueue;
const where = { queue: 'bad' };
const other = { queue: 'bad-other' };
const path = `/v1/queues/${where.queue}`;

beforeAll(async () => {
  queue = await startLocalQueue();
  await queue.http.call('createQueue', where);
  await queue.http.call('createQueue', other);
  const messages = [{ body: 'leased' }, { body: 'ready' }, { body: 'later', delaySeconds: 3600 }, { body: 'named', id: 'named' }];
  for (const message of messages) await queue.http.call('publish', where, { messages: [message] });
  await queue.http.call('receive', where, { visibilityTimeoutSeconds: 3600 });
});
afterAll(async () => {
  await queue.server.close();
  expect(queue.defects).toEqual([]);
});

/** All that can be read of the queues, except ages, which grow by themselves. */
async function state(): Promise<unknown> {
  const { queues } = await queue.http.call('listQueues', {}, { limit: 100 });
  const read = queues.map(async ({ name }) => {
    const { counts } = await queue.http.call('getQueue', { queue: name });
    const { messages } = await queue.http.call('peek', { queue: name }, { limit: 100 });
    return { counts: { ...counts, oldestAgeSeconds: null }, messages: messages.sort((a, b) => a.id.localeCompare(b.id)) };
  });
  return { queues, read: await Promise.all(read), keys: await queue.http.call('listKeys', {}) };
}

async function unchanged<T>(run: () => Promise<T>): Promise<T> {
  const before = await state();
  const answer = await run();
  expect(await state()).toEqual(before);
  return answer;
}

const publish = (message: unknown) => ({ messages: [message] });

describe('a call that is refused changes nothing', () => {
  it.each<[string, string, string, unknown, number, ErrorCode, string]>([
    [
      'a body that is not JSON',
      'POST',
      `${path}/publish`,
      '{"messages": [{]}',
      400,
      'invalid_input',
      'input: is not JSON, at position 15',
    ],
    [
      'a body cut off within JSON',
      'POST',
      `${path}/publish`,
      '{"messages": [',
      400,
      'invalid_input',
      'input: is not JSON, at position 14',
    ],
    ['a list as its body', 'POST', `${path}/publish`, [], 400, 'invalid_input', 'input: must be a JSON object, was a list of 0'],
    [
      'null as its body',
      'POST',
      `${path}/publish`,
      'null',
      400,
      'invalid_input',
      'messages: must be a list of 1 to 100 entries, is missing',
    ],
    ['an unknown field', 'POST', `${path}/receive`, { maxMessages: 1 }, 400, 'invalid_input', 'maxMessages: unknown field'],
    ['a field __proto__', 'POST', `${path}/receive`, '{"__proto__":{"max":9}}', 400, 'invalid_input', '__proto__: unknown field'],
    [
      'a field of a wrong type',
      'POST',
      `${path}/receive`,
      { max: '1' },
      400,
      'invalid_input',
      'max: must be a whole number from 1 to 100, was "1"',
    ],
    [
      'an empty batch',
      'POST',
      `${path}/publish`,
      { messages: [] },
      400,
      'invalid_input',
      'messages: must be a list of 1 to 100 entries, was a list of 0',
    ],
    [
      '101 messages',
      'POST',
      `${path}/publish`,
      { messages: Array(101).fill({ body: 1 }) },
      400,
      'invalid_input',
      'messages: must be a list of 1 to 100 entries, was a list of 101',
    ],
    [
      '101 receipts',
      'POST',
      `${path}/ack`,
      { receipts: Array(101).fill('r') },
      400,
      'invalid_input',
      'receipts: must be a list of 1 to 100 entries, was a list of 101',
    ],
    ['no receipts', 'POST', `${path}/ack`, {}, 400, 'invalid_input', 'receipts: must be a list of 1 to 100 entries, is missing'],
    [
      'a negative wait',
      'POST',
      `${path}/receive`,
      { waitSeconds: -1 },
      400,
      'invalid_input',
      'waitSeconds: must be a whole number of seconds from 0 to 20, was -1',
    ],
    [
      'a fraction of a second',
      'POST',
      `${path}/receive`,
      { visibilityTimeoutSeconds: 0.5 },
      400,
      'invalid_input',
      'visibilityTimeoutSeconds: must be a whole number of seconds from 0 to 31536000, was 0.5',
    ],
    [
      'a bad name',
      'PUT',
      '/v1/queues/a%20b',
      {},
      400,
      'invalid_input',
      'queue: must be 1 to 80 characters of A-Z a-z 0-9 _ -, which .fifo may end, was "a b"',
    ],
    ['a slash in a name', 'PUT', '/v1/queues/a%2Fb', {}, 400, 'invalid_input', 'path: segment 3 must not have an encoded slash'],
    ['a name too long', 'PUT', `/v1/queues/${'x'.repeat(81)}`, {}, 400, 'invalid_input', '(83 characters)'],
    [
      'a name that is no UTF-8',
      'PUT',
      '/v1/queues/%ff',
      {},
      400,
      'invalid_input',
      'path: segment 3 contains invalid percent-encoding',
    ],
    [
      'dead letters to itself',
      'PATCH',
      path,
      { deadLetter: { queue: where.queue, maxReceives: 1 } },
      400,
      'invalid_input',
      'deadLetter',
    ],
    [
      'dead letters to nowhere',
      'PATCH',
      path,
      { deadLetter: { queue: 'nowhere', maxReceives: 1 } },
      400,
      'invalid_input',
      'nowhere',
    ],
    ['an unknown queue', 'POST', '/v1/queues/nowhere/receive', {}, 404, 'queue_not_found', 'nowhere'],
    ['a bad cursor', 'GET', `${path}/messages?cursor=x`, undefined, 400, 'invalid_input', 'cursor'],
    ['a bad cursor of queues', 'GET', '/v1/queues?cursor=%7B%7D', undefined, 400, 'invalid_input', 'cursor'],
    ['a bad cursor of keys', 'GET', '/v1/keys?cursor=%7B%7D', undefined, 400, 'invalid_input', 'cursor'],
    ['a field twice', 'GET', `${path}/messages?limit=1&limit=2`, undefined, 400, 'invalid_input', 'limit: must be given once'],
    [
      'a limit in words',
      'GET',
      `${path}/messages?limit=ten`,
      undefined,
      400,
      'invalid_input',
      'limit: must be a whole number from 1 to 100, was "ten"',
    ],
    [
      'a limit of 0',
      'GET',
      `${path}/messages?limit=0`,
      undefined,
      400,
      'invalid_input',
      'limit: must be a whole number from 1 to 100, was 0',
    ],
    [
      'a field of a DELETE in its body',
      'DELETE',
      `${path}/messages/named`,
      { force: true },
      400,
      'invalid_input',
      'force: must be sent in the query string, not in a body',
    ],
    ['a list as the body of a DELETE', 'DELETE', path, ['x'], 400, 'invalid_input', 'input: must be sent in the query string'],
    ['a body of a DELETE that is no JSON', 'DELETE', path, '{', 400, 'invalid_input', 'input: is not JSON'],
    ['an unknown query', 'DELETE', `${path}?force=true`, undefined, 400, 'invalid_input', 'force: unknown field'],
    [
      'an unknown scope',
      'POST',
      '/v1/keys',
      { name: 'k', queues: ['*'], scopes: ['root'] },
      400,
      'invalid_input',
      'scopes[0]: must be one of',
    ],
  ])('a request with %s is refused and changes nothing', async (_, method, target, body, status, code, detail) => {
    await unchanged(async () => {
      const response = await queue.http.send(method, target, { body });
      expect(await expectProblem(response, status, code)).toContain(detail);
    });
  });

  it('a cycle of dead-letter queues is refused and changes nothing', async () => {
    await queue.http.call('createQueue', { queue: 'cycle-b' });
    await queue.http.call('createQueue', { queue: 'cycle-a' }, { deadLetter: { queue: 'cycle-b', maxReceives: 1 } });
    await unchanged(async () => {
      const body = { deadLetter: { queue: 'cycle-a', maxReceives: 1 } };
      expect(await expectProblem(await queue.http.send('PATCH', '/v1/queues/cycle-b', { body }), 400, 'invalid_input')).toContain(
        'deadLetter',
      );
    });
  });

  it.each<[string, unknown, string]>([
    [
      'a body of 1 MiB and a byte',
      { body: 'x'.repeat(bodyBytesMax - 1) },
      `messages[0].body: must be at most ${bodyBytesMax} bytes`,
    ],
    [
      'a body nested too deep',
      { body: JSON.parse('['.repeat(bodyDepthMax + 1) + ']'.repeat(bodyDepthMax + 1)) },
      'nested deeper',
    ],
    ['bad base64', { bodyBase64: '%' }, 'messages[0].bodyBase64'],
    ['both bodies', { body: 1, bodyBase64: '' }, 'exactly one of body and bodyBase64'],
    ['an id with a space', { body: 1, id: 'a b' }, 'messages[0].id'],
    ['an id of one dot', { body: 1, id: '.' }, 'messages[0].id: must not be . or .., which no URL can name, was "."'],
    ['an id of two dots', { body: 1, id: '..' }, 'messages[0].id: must not be . or ..'],
    ['an unknown field', { body: 1, delay: 5 }, 'messages[0].delay: unknown field'],
    ['a negative delay', { body: 1, delaySeconds: -1 }, 'messages[0].delaySeconds'],
    ['an attribute of a wrong type', { body: 1, attributes: { a: [] } }, 'messages[0].attributes.a'],
  ])('an entry with %s is refused and changes nothing', async (_, message, detail) => {
    await unchanged(async () => {
      const { results } = await queue.http.call('publish', where, publish(message) as never);
      expect(results).toMatchObject([{ ok: false, code: 'invalid_input', message: expect.stringContaining(detail) }]);
    });
  });

  it('an entry with an infinite number is refused and changes nothing', async () => {
    await unchanged(async () => {
      const body = '{"messages":[{"body":1,"delaySeconds":1e400}]}';
      const { results } = (await (await queue.http.send('POST', `${path}/publish`, { body })).json()) as { results: unknown[] };
      const message = expect.stringContaining('messages[0].delaySeconds');
      expect(results).toMatchObject([{ ok: false, code: 'invalid_input', message }]);
    });
  });

  it('JSON nested a hundred thousand deep is refused anywhere and changes nothing', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    await unchanged(async () => {
      await expectProblem(await queue.http.send('POST', `${path}/publish`, { body: deep }), 400, 'invalid_input');
      await expectProblem(await queue.http.send('POST', `${path}/receive`, { body: `{"max":${deep}}` }), 400, 'invalid_input');
      const { results } = (await (
        await queue.http.send('POST', `${path}/publish`, { body: `{"messages":[{"body":${deep}}]}` })
      ).json()) as {
        results: unknown[];
      };
      expect(results).toMatchObject([{ ok: false, code: 'invalid_input' }]);
      const objects = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
      await expectProblem(await queue.http.send('PUT', path, { body: `{"deadLetter":${objects}}` }), 400, 'invalid_input');
    });
  });

  it('a request body that is not UTF-8 is refused and changes nothing', async () => {
    await unchanged(async () => {
      const response = await fetch(`${queue.server.url}${path}/publish`, {
        method: 'POST',
        headers: { authorization: 'Bearer the-admin-key-of-these-tests', 'content-type': 'application/json' },
        body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      });
      expect(await expectProblem(response, 400, 'invalid_input')).toContain('UTF-8');
    });
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    '',
  ])('a request body of type %j is refused and changes nothing', async (type) => {
    await unchanged(async () => {
      const options = { body: publish({ body: 1 }), headers: { 'content-type': type } };
      await expectProblem(await queue.http.send('POST', `${path}/publish`, options), 415, 'unsupported_media_type');
    });
  });

  it('a compressed request body is refused and changes nothing', async () => {
    await unchanged(async () => {
      const options = { body: publish({ body: 1 }), headers: { 'content-encoding': 'gzip' } };
      await expectProblem(await queue.http.send('POST', `${path}/publish`, options), 415, 'unsupported_media_type');
    });
  });

  it('a request larger than one call may carry, plain or escaped, is refused and changes nothing', async () => {
    await unchanged(async () => {
      const plain = JSON.stringify({ messages: Array(6).fill({ body: 'x'.repeat(bodyBytesMax - 2) }) });
      await expectProblem(await queue.http.send('POST', `${path}/publish`, { body: plain }), 413, 'payload_too_large');
      const escaped = JSON.stringify({ messages: Array(4).fill({ body: '"'.repeat((bodyBytesMax - 2) / 2) }) });
      expect(escaped.length).toBeLessThan(callBytesMax);
      await expectProblem(await queue.http.send('POST', `${path}/publish`, { body: escaped }), 413, 'payload_too_large');
    });
  });
});

describe('a receipt', () => {
  const refusedAs = async (operation: 'ack' | 'release' | 'extend', receipts: unknown[]) => {
    const answer = await queue.http.call(operation, where, { receipts } as never);
    return answer.results.map((result) => (result.ok ? 'ok' : result.code));
  };

  it.each([
    'ack',
    'release',
    'extend',
  ] as const)('a receipt that is forged, cut short or meaningless is refused by %s without effect on the others', async (operation) => {
    await queue.http.call('publish', other, publish({ body: 'elsewhere' }) as never);
    const [elsewhere] = (await queue.http.call('receive', other, { visibilityTimeoutSeconds: 3600 })).messages;
    const mine = elsewhere!.receipt;
    const forged = [1, null, {}, '', 'x', 'x'.repeat(receiptCharsMax + 1), mine.slice(0, -1), `${mine}0`, mine];
    await unchanged(async () => {
      const codes = await refusedAs(operation, forged);
      // The last receipt is valid, but belongs to another queue.
      expect(codes).toEqual(forged.map(() => 'invalid_receipt'));
    });
    expect((await queue.http.call('ack', other, { receipts: [mine] })).results).toEqual([{ ok: true }]);
  });

  it('a receipt with another token than the given one has lost its lease', async () => {
    await queue.http.call('publish', other, publish({ body: 'token' }) as never);
    const [received] = (await queue.http.call('receive', other, { visibilityTimeoutSeconds: 3600 })).messages;
    const { receipt } = received!;
    const last = receipt.at(-1) === 'a' ? 'b' : 'a';
    const { results } = await queue.http.call('ack', other, { receipts: [receipt.slice(0, -1) + last] });
    expect(results[0]).toMatchObject({ ok: false, code: expect.stringMatching(/^(lease_lost|invalid_receipt)$/) });
    expect((await queue.http.call('ack', other, { receipts: [receipt] })).results).toEqual([{ ok: true }]);
  });

  it('a receipt that is given twice in one call acks its message once and has two answers', async () => {
    await queue.http.call('publish', other, publish({ body: 'twice' }) as never);
    const [received] = (await queue.http.call('receive', other)).messages;
    const { receipt } = received!;
    expect((await queue.http.call('ack', other, { receipts: [receipt, receipt] })).results).toEqual([{ ok: true }, { ok: true }]);
  });

  it('a receipt is refused after another receive has taken the message', async () => {
    await queue.http.call('publish', other, publish({ body: 'expired' }) as never);
    const [first] = (await queue.http.call('receive', other, { visibilityTimeoutSeconds: 0 })).messages;
    const [second] = (await queue.http.call('receive', other, { waitSeconds: 5, visibilityTimeoutSeconds: 3600 })).messages;
    expect(second!.id).toBe(first!.id);
    for (const operation of ['ack', 'release', 'extend'] as const) {
      const { results } = await queue.http.call(operation, other, { receipts: [first!.receipt] });
      expect(results).toMatchObject([{ ok: false, code: 'lease_lost' }]);
    }
    expect((await queue.http.call('ack', other, { receipts: [second!.receipt] })).results).toEqual([{ ok: true }]);
  });
});

describe('a queue that is deleted while in use', () => {
  it('a queue that is deleted while in use refuses later calls, and a new one of its name begins empty', async () => {
    const gone = { queue: 'gone' };
    await queue.http.call('createQueue', gone);
    await queue.http.call('publish', gone, { messages: [{ body: 1 }, { body: 2, id: 'two' }] });
    const [received] = (await queue.http.call('receive', gone)).messages;
    await queue.http.call('deleteQueue', gone);
    for (const [action, body] of [
      ['publish', publish({ body: 3 })],
      ['receive', {}],
      ['ack', { receipts: [received!.receipt] }],
    ] as const) {
      await expectProblem(await queue.http.send('POST', `/v1/queues/gone/${action}`, { body }), 404, 'queue_not_found');
    }
    await queue.http.call('createQueue', gone);
    expect((await queue.http.call('receive', gone)).messages).toEqual([]);
    const { results } = await queue.http.call('ack', gone, { receipts: [received!.receipt] });
    expect(results).toMatchObject([{ ok: false }]);
    expect((await queue.http.call('publish', gone, { messages: [{ body: 4, id: 'two' }] })).results).toEqual([
      { ok: true, id: 'two' },
    ]);
  });
});
