import { describe, expect, it } from 'vitest';
import { nearestName } from '../../../contract/names.ts';
import { directTransport } from '../../../direct/transport.ts';
import { type ConsumerOptions, Dumbwaiter, httpTransport, type StopOptions } from '../../../sdk/index.ts';
import { lambdaTransport } from '../../../sdk/transports/lambda.ts';

const url = 'http://127.0.0.1:9';
const queue = new Dumbwaiter({ url }).queue('q');

describe('the nearest name', () => {
  it.each([
    ['concurency', 'concurrency'],
    ['CONCURRENCY', 'concurrency'],
    ['visibility', 'visibilityTimeoutSeconds'],
    ['waitSecond', 'waitSeconds'],
    ['batchSize', 'batch'],
    ['', 'concurrency'],
  ])('the nearest name to %j is %s', (given, nearest) => {
    expect(nearestName(given, ['concurrency', 'batch', 'visibilityTimeoutSeconds', 'waitSeconds'])).toBe(nearest);
  });
});

describe('an unknown option', () => {
  const misspelt = (name: string) => ({ [name]: 1 }) as object;

  it.each<[string, () => unknown, string]>([
    [
      'of a client',
      () => new Dumbwaiter({ url, ...misspelt('timeout') }),
      'Dumbwaiter: unknown option timeout; the nearest is timeoutMs',
    ],
    ['of HTTP', () => httpTransport({ url, ...misspelt('key') }), 'httpTransport: unknown option key; the nearest is apiKey'],
    [
      'of Lambda',
      () => lambdaTransport(misspelt('function') as never),
      'lambdaTransport: unknown option function; the nearest is functionName',
    ],
    [
      'of the direct transport',
      () => directTransport(misspelt('tabels')),
      'directTransport: unknown option tabels; the nearest is tables',
    ],
    [
      'of a consumer',
      () => queue.consume(() => {}, { concurency: 5 } as ConsumerOptions),
      'consume: unknown option concurency; the nearest is concurrency',
    ],
  ])('an unknown option %s is refused with the nearest name', (_, make, message) => {
    expect(make).toThrow(new TypeError(message));
  });

  it('an unknown option of a call, a release or a stop is refused with the nearest name', async () => {
    await expect(queue.describe({ retry: 0 } as never)).rejects.toThrow('getQueue: unknown option retry; the nearest is retries');
    await expect(queue.publish({ body: 1 }, { timeout: 5 } as never)).rejects.toThrow('publish: unknown option timeout');
    await expect(queue.release(['r'], { delay: 5 } as never)).rejects.toThrow(
      'release: unknown option delay; the nearest is delaySeconds',
    );
    const consumer = queue.consume(() => {}, { signal: AbortSignal.abort() });
    await expect(consumer.stop({ timeoutMs: 5 } as StopOptions)).rejects.toThrow('stop: unknown option timeoutMs');
  });
});

describe('a number that JSON cannot express', () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ['of a call', () => queue.receive({ max: Number.NaN }), 'receive.max is NaN, which JSON does not have'],
    [
      'of a message',
      () => queue.publish({ body: 1, delaySeconds: Number.NaN }),
      'message.delaySeconds is NaN, which JSON does not have',
    ],
    [
      'of settings',
      () => queue.create({ backoff: { maxSeconds: Number.POSITIVE_INFINITY } }),
      'createQueue.backoff.maxSeconds is Infinity, which JSON does not have',
    ],
  ])('a NaN or Infinity %s is refused with its name', async (_, call, message) => {
    await expect(call()).rejects.toThrow(new TypeError(message));
  });
});
