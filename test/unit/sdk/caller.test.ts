import { describe, expect, it } from 'vitest';
import type { OperationName, Transport } from '../../../contract/contract.ts';
import { DumbwaiterError, errors } from '../../../contract/errors.ts';
import { attemptMsMax, backoffMsMax, backoffMsMin, Caller } from '../../../sdk/calls/caller.ts';
import { cases } from '../../support/cases.ts';
import { ManualTimers, turn } from '../../support/manual-timers.ts';

const done = { messages: [] };

/** A caller over a transport that answers with the listed errors and then with success. */
function scripted(...script: unknown[]) {
  const timers = new ManualTimers();
  timers.chance = 1;
  const attempts: { operation: OperationName; at: number; timeoutMs: number | undefined }[] = [];
  const transport: Transport = {
    async call(operation, _params, _input, options) {
      attempts.push({ operation, at: timers.now(), timeoutMs: options?.timeoutMs });
      const next = script.shift();
      if (next instanceof Error) throw next;
      return (next ?? done) as never;
    },
  };
  const caller = new Caller(transport, timers, { timeoutMs: 60_000, retries: 5 });
  const waits = () => attempts.slice(1).map(({ at }, i) => at - (attempts[i] as { at: number }).at);
  return { caller, timers, attempts, waits };
}

const unavailable = () => new DumbwaiterError('unavailable', 'no answer');

async function passed<Answer>(timers: ManualTimers, call: Promise<Answer>): Promise<Answer> {
  let settled = false;
  call.then(
    () => (settled = true),
    () => (settled = true),
  );
  for (let i = 0; i < 100; i++) {
    await turn();
    if (settled) break;
    await timers.advance(timers.pendingMs[0] ?? 0);
  }
  return call;
}

describe('a call that fails', () => {
  it('a call is retried after a pause that doubles, as long as the error is transient', async () => {
    const { caller, timers, waits } = scripted(...Array.from({ length: 5 }, unavailable));
    expect(await passed(timers, caller.call('receive', { queue: 'q' }, {}))).toBe(done);
    expect(waits()).toEqual([0, 1, 2, 3, 4].map((n) => backoffMsMin * 2 ** n));
  });

  it('a call is retried after a random part of the pause', async () => {
    const { caller, timers, waits } = scripted(unavailable(), unavailable());
    timers.chance = 0.25;
    await passed(timers, caller.call('receive', { queue: 'q' }, {}));
    expect(waits()).toEqual([backoffMsMin / 4, (backoffMsMin * 2) / 4]);
  });

  it('a call never pauses longer than the bound unless the server asks for it', async () => {
    const { caller, timers, waits } = scripted(...Array.from({ length: 9 }, unavailable));
    await passed(timers, caller.call('receive', { queue: 'q' }, {}, { retries: 9 }));
    expect(Math.max(...waits())).toBe(backoffMsMax);
  });

  it('a call waits at least as long as Retry-After asks', async () => {
    const { caller, timers, waits } = scripted(new DumbwaiterError('throttled', 'slow down', { retryAfterMs: 7_000 }));
    await passed(timers, caller.call('receive', { queue: 'q' }, {}));
    expect(waits()[0]).toBe(7_000 + backoffMsMin);
  });

  it.each(
    cases(Object.entries(errors).filter(([, { retryable }]) => !retryable)),
  )('a call is not retried after %s', async (code) => {
    const error = new DumbwaiterError(code as 'internal', 'no');
    const { caller, timers, attempts } = scripted(error);
    await expect(passed(timers, caller.call('receive', { queue: 'q' }, {}))).rejects.toBe(error);
    expect(attempts).toHaveLength(1);
  });

  it('a call is not retried after a defect of the program', async () => {
    const { caller, timers, attempts } = scripted(new TypeError('undefined is not a function'));
    await expect(passed(timers, caller.call('receive', { queue: 'q' }, {}))).rejects.toThrow(TypeError);
    expect(attempts).toHaveLength(1);
  });

  it('a call is not retried with retries 0', async () => {
    const { caller, timers, attempts } = scripted(unavailable());
    await expect(passed(timers, caller.call('publish', { queue: 'q' }, { messages: [] }, { retries: 0 }))).rejects.toThrow(
      'no answer',
    );
    expect(attempts).toHaveLength(1);
  });

  it('a call rejects with the last error when its retries are used up', async () => {
    const { caller, timers, attempts } = scripted(...Array.from({ length: 9 }, unavailable));
    await expect(passed(timers, caller.call('receive', { queue: 'q' }, {}, { retries: 2 }))).rejects.toThrow('no answer');
    expect(attempts).toHaveLength(3);
  });

  it('a call is not retried when the pause would end after its time', async () => {
    const { caller, timers, attempts } = scripted(new DumbwaiterError('throttled', 'slow down', { retryAfterMs: 7_000 }));
    await expect(passed(timers, caller.call('receive', { queue: 'q' }, {}, { timeoutMs: 5_000 }))).rejects.toThrow('slow down');
    expect(attempts).toHaveLength(1);
    expect(timers.pendingMs).toEqual([]);
  });

  it("a call stops as soon as its signal aborts, and rejects with the signal's reason", async () => {
    const { caller, timers, attempts } = scripted(unavailable(), unavailable());
    const controller = new AbortController();
    const call = caller.call('receive', { queue: 'q' }, {}, { signal: controller.signal });
    const rejected = expect(call).rejects.toThrow('enough');
    await turn();
    controller.abort(new Error('enough'));
    await rejected;
    expect(attempts).toHaveLength(1);
    expect(timers.pendingMs).toEqual([]);
  });
});

describe('one attempt', () => {
  it('one attempt gets the rest of the time besides the long poll, and never more than a gateway waits', async () => {
    const { caller, timers, attempts } = scripted(unavailable());
    await passed(timers, caller.call('receive', { queue: 'q' }, { waitSeconds: 3 }, { timeoutMs: 2_000 }));
    await passed(timers, caller.call('receive', { queue: 'q' }, { waitSeconds: 20 }));
    expect(attempts.map(({ timeoutMs }) => timeoutMs)).toEqual([5_000, 5_000 - backoffMsMin, attemptMsMax]);
  });
});

describe('an answer that was lost', () => {
  it('a missing queue after a lost answer counts as deleted', async () => {
    const { caller, timers } = scripted(unavailable(), new DumbwaiterError('queue_not_found', 'no queue'));
    await expect(passed(timers, caller.call('deleteQueue', { queue: 'q' }, {}))).resolves.toEqual({});
  });

  it('a missing queue after a throttled call was never there', async () => {
    const { caller, timers } = scripted(
      new DumbwaiterError('throttled', 'slow'),
      new DumbwaiterError('queue_not_found', 'no queue'),
    );
    await expect(passed(timers, caller.call('deleteQueue', { queue: 'q' }, {}))).rejects.toThrow('no queue');
  });

  it('a lost answer may have created a key, so no second one is created unasked', async () => {
    const input = { name: 'k', queues: ['*'], scopes: [] };
    const lost = scripted(unavailable());
    await expect(passed(lost.timers, lost.caller.call('createKey', {}, input))).rejects.toThrow('no answer');
    const throttled = scripted(new DumbwaiterError('throttled', 'slow'));
    await passed(throttled.timers, throttled.caller.call('createKey', {}, input));
    expect(throttled.attempts).toHaveLength(2);
  });
});
