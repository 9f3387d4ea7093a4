/** Receives messages for a target: only those of the queue for which it was put. */
import type { InputOf, ReceivedMessage } from '../../contract/contract.ts';
import type { CallOptions, Engine } from '../../engine/engine.ts';
import { incarnationOf } from '../../engine/model/queue-record.ts';
import type { TargetId } from './target-records.ts';

/** Undefined if the queue was created again under its name: what it returned is given back. Throws `queue_not_found`. */
export async function receiveFor(
  engine: Pick<Engine, 'callChecked' | 'giveBack'>,
  { queue, incarnation }: TargetId,
  input: InputOf<'receive'>,
  options: CallOptions = {},
): Promise<ReceivedMessage[] | undefined> {
  const { messages } = await engine.callChecked('receive', { queue }, input, { texts: true, ...options });
  if (messages.every(({ receipt }) => incarnationOf(receipt) === incarnation)) return messages;
  await giveBackTo(engine, queue, messages);
  return undefined;
}

/** Gives messages back without a try of their own. */
export async function giveBackTo(
  engine: Pick<Engine, 'giveBack'>,
  queue: string,
  messages: readonly ReceivedMessage[],
): Promise<void> {
  const receipts = messages.map(({ receipt }) => receipt);
  if (receipts.length > 0) await engine.giveBack(queue, receipts);
}
