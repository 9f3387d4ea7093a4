/** An engine on any store, with a clock that the test advances, and redrives that the test runs. */
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import type {
  CheckBack,
  InputOf,
  Json,
  OutputOf,
  PublishEntry,
  QueueSettingsInput,
  ReceivedMessage,
  TransactionItem,
} from '../../contract/contract.ts';
import { withValues } from '../../contract/json-values.ts';
import { createEngine } from '../../engine/create.ts';
import { createCorrectedClock } from '../../engine/dynamo/corrected-clock.ts';
import { commitTransaction } from '../../engine/dynamo/own-transactions.ts';
import { createDynamoStore } from '../../engine/dynamo/store.ts';
import { transactionItems } from '../../engine/dynamo/transaction-items.ts';
import type { CheckBackMessage, Engine, EngineEvent, QueueOperation } from '../../engine/engine.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import type { Key, Row, Store, Write } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { openSqliteStore, type SqliteStore } from '../../engine/sqlite/store.ts';
import { createDrivenClock, type DrivenClock } from './driven-clock.ts';
import { hourMs } from './durations.ts';
import { scanRows, startTestDynamodb } from './dynamodb.ts';
import { type StoreSpy, spyOnStore } from './store-spy.ts';

export interface OpenedStore {
  store: Store;
  /** Every row of a table, whatever its age. */
  rows(table: Key['table']): Promise<Row[]>;
  /** Transactions of the caller, if the store has its own kind. */
  transactions?: Transactions;
}

export interface Transactions {
  transactionItem(write: Write): TransactionItem;
  /** Commits a transaction. Returns the indexes of the entries that cancelled it: none if it was committed. */
  commit(items: TransactionItem[]): Promise<number[]>;
}

/** A store whose writes are themselves the entries of a transaction. */
function ofStore(store: Store): Transactions {
  return {
    transactionItem: (write) => write as TransactionItem,
    async commit(items) {
      const result = await store.transact(items as unknown as Write[]);
      return result.ok ? [] : result.refused.flatMap((one, index) => (one ? [index] : []));
    },
  };
}

export interface StoreKind {
  name: 'memory' | 'sqlite' | 'dynamo';
  /** Starts what the stores of one test file need. */
  start(): Promise<{ open(clock: DrivenClock): Promise<OpenedStore>; stop(): Promise<void> }>;
}

const knownStoreKinds: StoreKind[] = [
  {
    name: 'memory',
    start: async () => ({
      async open(clock) {
        const store = createMemoryStore({ now: clock.now });
        return { store, rows: async (table) => store.rows(table) };
      },
      stop: async () => {},
    }),
  },
  {
    name: 'sqlite',
    async start() {
      const stores: SqliteStore[] = [];
      return {
        async open(clock) {
          const store = openSqliteStore({ now: clock.now, keepsUp: false });
          stores.push(store);
          return { store, rows: async (table) => store.rows(table) };
        },
        async stop() {
          await Promise.all(stores.map((store) => store.close()));
        },
      };
    },
  },
  {
    name: 'dynamo',
    async start() {
      const dynamodb = await startTestDynamodb();
      return {
        async open(driven) {
          const tables = await dynamodb.createTables();
          const { client, sdk } = dynamodb;
          // The test's clock counts, so the time in DynamoDB's answers is ignored.
          const clock = { ...createCorrectedClock(driven.now), observe: () => {} };
          const store = createDynamoStore({ client, tables, clock });
          const rows = (table: Key['table']) => scanRows(sdk, tables[table]);
          const commit = async (items: TransactionItem[]) => {
            try {
              await commitTransaction(sdk, items, crypto.randomUUID());
              return [];
            } catch (error) {
              if (!(error instanceof TransactionCanceledException)) throw error;
              return error.CancellationReasons!.flatMap(({ Code }, index) => (Code === 'ConditionalCheckFailed' ? [index] : []));
            }
          };
          return { store, rows, transactions: { transactionItem: transactionItems(tables), commit } };
        },
        stop: () => dynamodb.stop(),
      };
    },
  },
];

/** Every store; or the one that `TEST_STORE` names. */
export const allStoreKinds = knownStoreKinds.filter(({ name }) => name === (process.env.TEST_STORE ?? name));
if (allStoreKinds.length === 0) throw new Error(`TEST_STORE is memory, sqlite or dynamo, not ${process.env.TEST_STORE}`);

/** The stores that run in this process, which are faster by far; or the one that `TEST_STORE` names. */
export const storeKinds = allStoreKinds.filter(({ name }) => name !== 'dynamo' || process.env.TEST_STORE === name);

export interface DrivenEngine extends Pick<OpenedStore, 'rows'>, Transactions {
  engine: Engine;
  clock: DrivenClock;
  spy: StoreSpy;
  events: EngineEvent[];
  /** Redrives that the engine asked to be run, in order. */
  started: { queue: string; task: string }[];
  /** The check-backs that publishers of prepared messages got, and their answer: `unknown` unless a test changes it. */
  asked: { target: CheckBack; message: CheckBackMessage }[];
  answer: { now: (message: CheckBackMessage) => Promise<'commit' | 'rollback' | 'unknown'> };
  /** Another process: an engine with the same clock and store, or with `over` in place of the store. */
  another(over?: Store): Engine;
  call<Name extends QueueOperation>(operation: Name, queue: string, input?: InputOf<Name>): Promise<OutputOf<Name>>;
  /** Creates a queue without a backoff, unless the settings have one. */
  create(queue: string, settings?: QueueSettingsInput): Promise<unknown>;
  /** Publishes entries and returns their ids. Throws if one is refused. */
  publish(queue: string, ...entries: PublishEntry[]): Promise<string[]>;
  /** Publishes these bodies in one call. */
  send(queue: string, ...bodies: Json[]): Promise<string[]>;
  receive(queue: string, input?: InputOf<'receive'>): Promise<ReceivedMessage[]>;
  /** Receives up to a hundred messages and returns their bodies. */
  bodies(queue: string, input?: InputOf<'receive'>): Promise<unknown[]>;
  ack(queue: string, messages: readonly ReceivedMessage[]): Promise<OutputOf<'ack'>['results']>;
  sweep(): ReturnType<Engine['sweep']>;
  /** Starts a redrive and runs it to the end. */
  redrive(queue: string, input?: InputOf<'redrive'>): Promise<OutputOf<'getRedrive'>>;
}

export async function driveEngine(open: (clock: DrivenClock) => Promise<OpenedStore>, seed = 1): Promise<DrivenEngine> {
  const clock = createDrivenClock();
  const { store, rows, transactions = ofStore(store) } = await open(clock);
  const spy = spyOnStore(store);
  const events: EngineEvent[] = [];
  const started: DrivenEngine['started'] = [];
  const asked: DrivenEngine['asked'] = [];
  const answer: DrivenEngine['answer'] = { now: async () => 'unknown' };
  let seeds = seed;
  const another = (over = spy.store) =>
    createEngine({
      store: over,
      clock,
      random: seededRandom(seeds++),
      transactionItem: transactions.transactionItem,
      observe: (event) => events.push(event),
      checkBack: async (target, message) => {
        asked.push({ target, message: withValues(message) });
        return answer.now(message);
      },
      startRedrive: async (queue, task) => {
        started.push({ queue, task });
      },
    });
  const engine = another();
  const call: DrivenEngine['call'] = (operation, queue, input) =>
    engine.call(operation, { queue } as never, (input ?? {}) as never);
  const driven: DrivenEngine = {
    engine,
    clock,
    spy,
    events,
    started,
    asked,
    answer,
    rows,
    ...transactions,
    another,
    call,
    create: (queue, settings = {}) => call('createQueue', queue, { backoff: null, ...settings }),
    async publish(queue, ...entries) {
      const { results } = await call('publish', queue, { messages: entries });
      return results.map((result) => {
        if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
        return result.id;
      });
    },
    send: (queue, ...bodies) => driven.publish(queue, ...bodies.map((body) => ({ body }))),
    receive: async (queue, input = {}) => (await call('receive', queue, { max: 100, ...input })).messages,
    bodies: async (queue, input) => (await driven.receive(queue, input)).map(({ body }) => body),
    ack: async (queue, messages) => (await call('ack', queue, { receipts: messages.map(({ receipt }) => receipt) })).results,
    sweep: () => engine.sweep({ until: clock.now() + hourMs }),
    async redrive(queue, input = {}) {
      const { id } = await call('redrive', queue, input);
      await engine.runRedrive(queue, id, { until: clock.now() + hourMs });
      return engine.call('getRedrive', { queue, task: id }, {});
    },
  };
  return driven;
}
