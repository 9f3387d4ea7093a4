/** Builds histories by hand, to test the checker. Times are seconds since the start of the story. */
import type {
  InputOf,
  OperationName,
  OutputOf,
  ParamsOf,
  PublishEntry,
  QueueSettings,
  ReceivedMessage,
  RedriveInput,
} from '../../../contract/contract.ts';
import type { ErrorCode } from '../../../contract/errors.ts';
import { settingsDefault } from '../checker/queues.ts';
import type { Call, History, Transaction } from '../run/history.ts';

const start = Date.UTC(2026, 0, 1);

export const instant = (seconds: number) => new Date(start + seconds * 1000).toISOString();

/** Start and end of a call in seconds. A call with `lost` had no answer. */
type Span = [from: number, to: number];
type Answered<Output> = Output | ErrorCode | 'lost';

export function story({
  clockErrorMs = 0,
  drainedAt,
  sweptAt,
  hasNoFaults = false,
}: {
  clockErrorMs?: number;
  drainedAt?: number;
  sweptAt?: number;
  hasNoFaults?: boolean;
} = {}) {
  const calls: Call[] = [];
  const transactions: Transaction[] = [];
  const takenAt = 1;

  /** Adds a call. `given`: its output, its error code, or `lost`. */
  function call<Name extends OperationName>(
    operation: Name,
    [from, to]: Span,
    params: ParamsOf<Name>,
    input: InputOf<Name>,
    given: Answered<OutputOf<Name>>,
  ): void {
    const answer =
      given === 'lost' ? { lost: true } : typeof given === 'string' ? { refused: given, message: given } : { output: given };
    const times = { startedAt: start + from * 1000, endedAt: given === 'lost' ? undefined : start + to * 1000 };
    calls.push({ operation, params, input, answer, process: 'p', ...times } as unknown as Call);
  }

  const batch = (given: Answered<object>) => (typeof given === 'string' ? given : { results: [given] }) as Answered<never>;

  return {
    call,
    queue(name: string, settings: Partial<QueueSettings> = {}) {
      const queue: QueueSettings = { ...settingsDefault, retentionSeconds: null, backoff: null, ...settings };
      call('createQueue', [0, 0], { queue: name }, settings, { name, createdAt: instant(0), updatedAt: instant(0), ...queue });
    },
    publish(span: Span, id: string, entry: PublishEntry = { body: id }, given: Answered<object> = { ok: true, id }, queue = 'q') {
      call('publish', span, { queue }, { messages: [entry] }, batch(given));
    },
    /** Receives a message with the receipt, leased until that second. */
    receive(
      span: Span,
      id: string,
      receipt: string,
      leasedUntil: number,
      more: Partial<ReceivedMessage> = {},
      queue = 'q',
      input: InputOf<'receive'> = {},
    ) {
      const message: ReceivedMessage = {
        id,
        body: id,
        attributes: {},
        receipt,
        receives: 1,
        failures: 0,
        publishedAt: instant(1),
        leasedUntil: instant(leasedUntil),
        ...more,
      };
      call('receive', span, { queue }, input, { messages: [message] });
    },
    ack(span: Span, receipt: string, given: Answered<object> = { ok: true }, queue = 'q') {
      call('ack', span, { queue }, { receipts: [receipt] }, batch(given));
    },
    release(
      span: Span,
      receipt: string,
      given: Answered<object>,
      input: { delaySeconds?: number; failed?: string; deadLetter?: true } = {},
    ) {
      call('release', span, { queue: 'q' }, { receipts: [receipt], ...input }, batch(given));
    },
    extend(span: Span, receipt: string, visibilityTimeoutSeconds: number, given: Answered<object>) {
      call('extend', span, { queue: 'q' }, { receipts: [receipt], visibilityTimeoutSeconds }, batch(given));
    },
    /** Postpones the message `m`. The answer may name another instant. */
    putOff(span: Span, until: number, given = until) {
      const answer = { id: 'm', visibleAt: instant(given) };
      call('updateMessage', span, { queue: 'q', id: 'm' }, { deliverAt: instant(until) }, answer);
    },
    purge(span: Span, given: 'answered' | 'lost' = 'answered', queue = 'q') {
      call('purge', span, { queue }, {}, given === 'lost' ? given : { purgedBefore: instant(span[0] + 1) });
    },
    redrive(span: Span, queue: string, input: RedriveInput = {}) {
      call('redrive', span, { queue }, input, 'lost');
    },
    /** A transaction that acks the receipts and publishes messages with these ids, whose entries were returned in the first second. */
    transaction(
      [from, to]: Span,
      { acks = [], publishes = [] }: { acks?: string[]; publishes?: string[] },
      given: Transaction['answer'],
      applied = given === 'committed',
    ) {
      transactions.push({
        row: `own-${transactions.length + 1}`,
        process: 'p',
        publishes: publishes.map((id) => ({ queue: 'q', messages: [{ body: id }], ids: [id], takenAt: start + takenAt * 1000 })),
        acks: [{ queue: 'q', receipts: acks }],
        startedAt: start + from * 1000,
        ...(given === 'lost' ? {} : { endedAt: start + to * 1000 }),
        answer: given,
        ...(given === 'refused' ? { refused: 'ack' as const } : {}),
        applied,
      });
    },
    /** The message as `getMessage` shows it. */
    seen(span: Span, id: string, queue = 'q') {
      const {
        receipt: _,
        leasedUntil: __,
        ...shown
      } = {
        id,
        body: id,
        attributes: {},
        receipt: '',
        receives: 0,
        failures: 0,
        publishedAt: instant(1),
        leasedUntil: '',
      };
      const message = { ...shown, queue, state: 'ready' as const, visibleAt: instant(1), expiresAt: null };
      call('getMessage', span, { queue, id }, {}, message);
    },
    history: (): History => ({
      transactions,
      calls: calls.toSorted((a, b) => a.startedAt - b.startedAt),
      circumstances: {
        clockErrorMs,
        retryMsMin: 5_000,
        hasNoFaults,
        drainedAt: drainedAt === undefined ? undefined : start + drainedAt * 1000,
        sweptAt: sweptAt === undefined ? undefined : start + sweptAt * 1000,
      },
    }),
  };
}

export type Story = ReturnType<typeof story>;
