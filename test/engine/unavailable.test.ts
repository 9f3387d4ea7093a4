/** What callers and the log see of a store that fails. */
import { expect, it } from 'vitest';
import { routes } from '../../contract/routes.ts';
import type { QueueOperation } from '../../engine/engine.ts';
import { StoreError } from '../../engine/port/port.ts';
import { onBothStores } from '../support/on-both-stores.ts';

/** Part of an error text of an AWS client, which no caller may see. */
const secret = 'connect ECONNREFUSED 10.0.0.7:8000 arn:aws:dynamodb:eu-central-1:123456789012:table/leases';

onBothStores('a store that fails', (driven) => {
  it.each([
    'no',
    'unknown',
  ] as const)('a failing store is reported as unavailable without its own error text, which goes to the log, applied: %s', async (applied) => {
    const { call, create, engine, events, receive, spy } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 3 }, prepared: { timeoutSeconds: 60, checkBack: null } });
    await call('publish', 'q', {
      messages: [
        { id: 'waits', body: 1 },
        { id: 'undecided', body: 2, prepared: true },
      ],
    });
    const messages = [1, 2, 3].map((body) => ({ body }));
    await call('publish', 'q', { messages });
    const receipts = (await receive('q', { max: 10 })).map(({ receipt }) => receipt);
    expect(receipts.length).toBeGreaterThan(0);
    const every = { queue: 'q', everySeconds: 60, message: { body: 1 } };
    await engine.call('putSchedule', { name: 's' }, every);
    await engine.call('createTopic', { topic: 'events' }, {});
    await engine.call('subscribe', { topic: 'events', subscription: 'sub' }, {});

    const published = [{ body: 1 }, { body: 2, id: 'mine' }, { body: 3, group: 'g' }, { body: 4, delaySeconds: 60 }];
    const inputs: Partial<Record<QueueOperation, object>> = {
      publish: { messages: published },
      ack: { receipts },
      release: { receipts },
      extend: { receipts },
      publishItems: { messages },
      ackItems: { receipts },
      updateMessage: { delaySeconds: 5 },
      putSchedule: { ...every, paused: true },
      updateSchedule: { paused: true },
      updateQueue: { delaySeconds: 1 },
      testSubscription: { body: 1 },
      publishToTopic: { messages },
      topicPublishItems: { messages },
    };
    spy.before = ({ method, keys }) => {
      // Settings of queues can still be read, or no call would get far.
      if (method === 'get' && keys.every(({ table }) => table === 'queues')) return;
      throw new StoreError(`DynamoDB did not do as asked: ${secret}`, applied, new Error(secret));
    };
    const messagesShown: string[] = [];
    for (const operation of Object.keys(routes) as QueueOperation[]) {
      if (['createKey', 'listKeys', 'getOwnKey', 'revokeKey', 'health'].includes(operation) || /Targets?$/.test(operation))
        continue;
      const params = Object.fromEntries(
        [...routes[operation].path.matchAll(/\{(\w+)\}/g)].map(([, name]) => [
          name,
          { queue: 'q', name: 's', task: 't', id: 'waits', topic: 'events', subscription: 'sub' }[name!],
        ]),
      );
      const answer = await engine
        .call(operation, params as never, (inputs[operation] ?? {}) as never)
        .catch((error: unknown) => error);
      const text = answer instanceof Error ? answer.message : JSON.stringify(answer);
      expect({ operation, text }).not.toMatchObject({ text: expect.stringMatching(/10\.0\.0\.7|DynamoDB|arn:/) });
      messagesShown.push(...(/The store[^"]*/.exec(text) ?? []));
    }
    expect(messagesShown.length).toBeGreaterThan(10);
    const publish = await engine.call('publish', { queue: 'q' }, { messages });
    expect(publish.results).toMatchObject(messages.map(() => ({ ok: false, code: 'unavailable' })));
    const details = events.filter(({ kind }) => kind === 'unavailable');
    expect(details).not.toEqual([]);
    for (const event of details) expect(event).toMatchObject({ queue: 'q', detail: expect.stringContaining(secret) });
  });
});
