/** Histories written by hand, to try the checker on: seconds into the story instead of instants, a call a line. */
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

/** From when to when, in seconds; a call that ends with `lost` had no answer. */
type Span = [from: number, to: number];
type Told<Output> = Output | ErrorCode | 'lost';

export function story({
  clockErrorMs = 0,
  drainedAt,
  sweptAt,
}: {
  clockErrorMs?: number;
  drainedAt?: number;
  sweptAt?: number;
} = {}) {
  const calls: Call[] = [];
  const transactions: Transaction[] = [];
  const takenAt = 1;

  function tell<Name extends OperationName>(
    operation: Name,
    [from, to]: Span,
    params: ParamsOf<Name>,
    input: InputOf<Name>,
    told: Told<OutputOf<Name>>,
  ): void {
    const answer =
      told === 'lost' ? { lost: true } : typeof told === 'string' ? { refused: told, message: told } : { output: told };
    const times = { startedAt: start + from * 1000, endedAt: told === 'lost' ? undefined : start + to * 1000 };
    calls.push({ operation, params, input, answer, process: 'p', ...times } as unknown as Call);
  }

  const batch = (told: Told<object>) => (typeof told === 'string' ? told : { results: [told] }) as Told<never>;

  return {
    tell,
    queue(name: string, settings: Partial<QueueSettings> = {}) {
      const queue: QueueSettings = { ...settingsDefault, retentionSeconds: null, backoff: null, ...settings };
      tell('createQueue', [0, 0], { queue: name }, settings, { name, createdAt: instant(0), updatedAt: instant(0), ...queue });
    },
    publish(span: Span, id: string, entry: PublishEntry = { body: id }, told: Told<object> = { ok: true, id }, queue = 'q') {
      tell('publish', span, { queue }, { messages: [entry] }, batch(told));
    },
    /** A message received under the receipt `receipt`, leased until so many seconds into the story. */
    receive(span: Span, id: string, receipt: string, leasedUntil: number, more: Partial<ReceivedMessage> = {}, queue = 'q') {
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
      tell('receive', span, { queue }, {}, { messages: [message] });
    },
    ack(span: Span, receipt: string, told: Told<object> = { ok: true }, queue = 'q') {
      tell('ack', span, { queue }, { receipts: [receipt] }, batch(told));
    },
    release(
      span: Span,
      receipt: string,
      told: Told<object>,
      input: { delaySeconds?: number; failed?: string; deadLetter?: true } = {},
    ) {
      tell('release', span, { queue: 'q' }, { receipts: [receipt], ...input }, batch(told));
    },
    extend(span: Span, receipt: string, visibilityTimeoutSeconds: number, told: Told<object>) {
      tell('extend', span, { queue: 'q' }, { receipts: [receipt], visibilityTimeoutSeconds }, batch(told));
    },
    /** The message `m` is put off to an instant, and its caller told another, or the same. */
    putOff(span: Span, until: number, told = until) {
      const answer = { id: 'm', visibleAt: instant(told) };
      tell('updateMessage', span, { queue: 'q', id: 'm' }, { deliverAt: instant(until) }, answer);
    },
    purge(span: Span, told: 'answered' | 'lost' = 'answered', queue = 'q') {
      tell('purge', span, { queue }, {}, told === 'lost' ? told : { purgedBefore: instant(span[0] + 1) });
    },
    redrive(span: Span, queue: string, input: RedriveInput = {}) {
      tell('redrive', span, { queue }, input, 'lost');
    },
    /** A transaction that acks the receipts and publishes the messages of these ids, taken a second into the story; `stands`: whether it happened. */
    transaction(
      [from, to]: Span,
      { acks = [], publishes = [] }: { acks?: string[]; publishes?: string[] },
      told: Transaction['answer'],
      stands = told === 'committed',
    ) {
      transactions.push({
        row: `own-${transactions.length + 1}`,
        process: 'p',
        publishes: publishes.map((id) => ({ queue: 'q', messages: [{ body: id }], ids: [id], takenAt: start + takenAt * 1000 })),
        acks: [{ queue: 'q', receipts: acks }],
        startedAt: start + from * 1000,
        ...(told === 'lost' ? {} : { endedAt: start + to * 1000 }),
        answer: told,
        ...(told === 'refused' ? { refused: 'ack' as const } : {}),
        stands,
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
      tell('getMessage', span, { queue, id }, {}, message);
    },
    history: (): History => ({
      transactions,
      calls: calls.toSorted((a, b) => a.startedAt - b.startedAt),
      circumstances: {
        clockErrorMs,
        retryMsMin: 5_000,
        drainedAt: drainedAt === undefined ? undefined : start + drainedAt * 1000,
        sweptAt: sweptAt === undefined ? undefined : start + sweptAt * 1000,
      },
    }),
  };
}

export type Story = ReturnType<typeof story>;
