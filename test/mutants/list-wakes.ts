/** Mistakes in waking idle consumers. */
import type { Mutant } from './mutant.ts';

const records = ['test/unit/functions/stream-records.test.ts'];
const server = ['test/integration/wake-server.test.ts'];
const watch = ['test/unit/functions/queue-watch.test.ts'];
const consumer = ['test/integration/sdk-wake.test.ts'];
const calls = ['test/integration/sdk-call-wake.test.ts'];

export const wakes: readonly Mutant[] = [
  {
    name: 'a message that is leased counts as ready when its lease may end',
    file: 'engine/model/next-ready.ts',
    find: 'slot.token === undefined && slot.visibleAt <= at',
    replace: 'slot.visibleAt <= at',
    tests: records,
  },
  {
    name: 'a later message of a group counts as ready',
    file: 'engine/model/next-ready.ts',
    find: '^[0-9a-z]{8}:\\d+(\\.\\d+)?$',
    replace: '^[0-9a-z]{8}',
    tests: records,
  },
  {
    name: 'nothing is known to be due later',
    file: 'engine/receive/next-due.ts',
    find: '({ rows: [row] }) => row?.expiry as number | undefined',
    replace: '() => undefined',
    tests: consumer,
  },
  {
    name: 'any key may listen for any queue',
    file: 'functions/wake/listen.ts',
    find: "authorize(principal, id === undefined ? 'receive' : 'getMessage', { queue }, {});",
    replace: '',
    tests: server,
  },
  {
    name: 'a revoked key goes on being told of messages',
    file: 'functions/wake/listen.ts',
    find: 'return key !== undefined && !keys.isOver(key);',
    replace: 'return true;',
    tests: server,
  },
  {
    name: 'a page of any origin may connect for wake-ups',
    file: 'functions/local/wake-server.ts',
    find: 'origin !== undefined && !isAllowed(origin, host)',
    replace: 'origin === null',
    tests: server,
  },
  {
    name: 'every listener of an idle queue is told of each message',
    file: 'functions/local/queue-watch.ts',
    find: 'const toldFirst = 10;',
    replace: 'const toldFirst = 1e6;',
    tests: watch,
  },
  {
    name: 'a paused queue wakes its consumers each second',
    file: 'functions/local/queue-watch.ts',
    find: 'if (inMs === 0 && (isNews || !wasDue)) {',
    replace: 'if (inMs === 0) {',
    tests: watch,
  },
  {
    name: 'two runs wake the same listener',
    file: 'functions/wake/wake-listeners.ts',
    find: 'if (inMs === 0 && !(await rows.remove(incarnation, connection))) return false;',
    replace: '',
    tests: ['test/integration/lambda-wake.test.ts'],
  },
  {
    name: 'a consumer that was woken does not listen again',
    file: 'sdk/consumer/wake-listener.ts',
    find: `    this.#isListening = false;
    this.#cancelDue();
    this.#onNews('woken');`,
    replace: `    this.#cancelDue();
    this.#onNews('woken');`,
    tests: consumer,
  },
  {
    name: 'a consumer does not receive once when it has begun to listen',
    file: 'sdk/consumer/wake-listener.ts',
    find: "this.#onNews('listening');",
    replace: '',
    tests: consumer,
  },
  {
    name: 'a consumer does not notice that its connection broke',
    file: 'sdk/consumer/wake-listener.ts',
    find: "if (wasListening) this.#onNews('lost');",
    replace: '',
    tests: consumer,
  },
  {
    name: 'a caller that waits for a result is told when its request is received',
    file: 'engine/model/next-ready.ts',
    find: '|| !decoded.lease.slots.some(isLive);',
    replace: '|| decoded.lease.slots.length > 0;',
    tests: records,
  },
  {
    name: 'a caller does not read its result again when the server begins to listen',
    file: 'sdk/client/requests.ts',
    find: '      if (isOver(message, queue)) return message;\n',
    replace: '',
    tests: calls,
  },
];
