/** Calls that settle received messages. */
import type { AckResult, ExtendResult, InputOf, Json, OutputOf, ReleaseResult } from '../../contract/contract.ts';
import { jsonCopy, stringify } from '../../contract/json-values.ts';
import { failedCharsMax } from '../../contract/limits.ts';
import { checkNames, type Names } from '../../contract/names.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import { Batcher } from './batcher.ts';
import type { Caller, CallOptions } from './caller.ts';
import { checkJson } from './json-check.ts';
import { type Receipts, receiptsOf } from './receipts.ts';
import type { Timers } from './timers.ts';
import type { Tracing } from './tracing.ts';
import { type DocumentItem, type ItemsOptions, itemsFor, type LowLevelItem } from './transactions.ts';

/** Options for giving a message back. */
export interface ReleaseInput {
  /** How long the message stays hidden, 0 s to ten years. Default: 0, or the queue's backoff with `failed`. */
  delaySeconds?: number;
  /** Why the message could not be handled. Counts as a failure, and is kept with the message. Cut to 256 characters. */
  failed?: string;
  /**
   * Moves the message to the dead-letter queue now, with the reason `rejected`. Not allowed with `delaySeconds`. In a queue
   * without a dead-letter queue it only counts as a failure. Default false.
   */
  deadLetter?: boolean;
}

const releaseNames: Names<ReleaseInput> = { delaySeconds: true, failed: true, deadLetter: true };

type SettleOperation = 'ack' | 'release' | 'extend';
type SettleResult<Name extends SettleOperation> = OutputOf<Name>['results'][number];

/** Batches acks, releases and extensions: equal ones of the same turn of the event loop, or within `lingerMs`, share a call. */
export class Leases {
  readonly #caller: Caller;
  readonly #tracing: Tracing;
  readonly #batcher: Batcher<string, SettleResult<SettleOperation>>;

  constructor(caller: Caller, timers: Timers, lingerMs: number, tracing: Tracing) {
    this.#caller = caller;
    this.#tracing = tracing;
    this.#batcher = new Batcher(timers, lingerMs);
  }

  /** A result applies to all receipts of its call, so acks with different results travel in different calls. */
  ack(queue: string, messages: Receipts, { result, ...options }: CallOptions & { result?: Json } = {}): Promise<AckResult>[] {
    if (result !== undefined) checkJson('result', result);
    const input = result === undefined ? {} : { result: jsonCopy(result) as Json };
    return this.#tracing.settle('ack', queue, messages, () => this.#gather('ack', queue, messages, input, options));
  }

  release(queue: string, messages: Receipts, given: ReleaseInput = {}, options: CallOptions = {}): Promise<ReleaseResult>[] {
    checkNames('release', given, releaseNames);
    const input = { ...given, ...(given.failed !== undefined && { failed: failureText(given.failed) }) };
    return this.#tracing.settle('release', queue, messages, () => this.#gather('release', queue, messages, input, options));
  }

  extend(
    queue: string,
    messages: Receipts,
    input: Omit<InputOf<'extend'>, 'receipts'> = {},
    options: CallOptions = {},
  ): Promise<ExtendResult>[] {
    return this.#gather('extend', queue, messages, input, options);
  }

  /** Not batched with others, because the entries belong to one transaction. */
  async ackItems(
    queue: string,
    messages: Receipts,
    { document, ...options }: CallOptions & ItemsOptions,
  ): Promise<LowLevelItem[] | DocumentItem[]> {
    const { items } = await this.#caller.call('ackItems', { queue }, { receipts: receiptsOf(messages) }, options);
    return itemsFor(items, 'lease_lost', { document });
  }

  /** Sends what has been gathered so far. */
  flush(): void {
    this.#batcher.flush();
  }

  #gather<Name extends SettleOperation>(
    operation: Name,
    queue: string,
    messages: Receipts,
    input: Omit<InputOf<Name>, 'receipts'>,
    { signal, ...shared }: CallOptions,
  ): Promise<SettleResult<Name>>[] {
    const key = stringify([operation, queue, input, shared.retries, shared.timeoutMs])!;
    const send = async (entries: string[], ending: AbortSignal) => {
      const batch = { ...input, receipts: entries } as InputOf<Name>;
      return (await this.#caller.call(operation, { queue }, batch, { ...shared, signal: ending })).results;
    };
    return receiptsOf(messages).map((receipt) =>
      this.#batcher.add({ key, entry: receipt, bytes: receipt.length, send, signal }),
    ) as never;
  }
}

/** Replaces half surrogate pairs, which the queue refuses: the text may contain one, or be cut to one. */
function failureText(failed: unknown): string {
  return textOfThrown(failed)
    .slice(0, failedCharsMax)
    .replace(/\p{Surrogate}/gu, '\ufffd');
}
