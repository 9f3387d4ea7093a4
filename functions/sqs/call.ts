/** What an action of SQS gets: its parts, shared by all calls, and the call. `functions/sqs/actions/` has one file for each action. */
import type { InputOf, OperationName, OutputOf, ParamsOf } from '../../contract/contract.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Clock } from '../../engine/port/port.ts';
import { authorize } from '../auth/authorize.ts';
import type { Caller, Service } from '../service/service.ts';
import { type Addresses, queueOfUrl } from './addresses.ts';
import { missing } from './errors.ts';
import { type Input, textOf } from './input.ts';
import type { QueueRows } from './queue-rows.ts';

export interface SqsParts {
  service: Service;
  engine: Pick<Engine, 'publishUnchecked' | 'giveBack'>;
  queues: QueueRows;
  clock: Clock;
}

export interface SqsCall {
  input: Input;
  caller: Caller;
  addresses: Addresses;
}

/** Returns the output as the JSON protocol sends it. Throws SqsError, DumbwaiterError or StoreError. */
export type Action = (parts: SqsParts, call: SqsCall) => Promise<object>;

/** The queue that a call names by its URL, or on whose URL it was made. */
export function queueOf({ input, addresses }: SqsCall): string {
  const url = textOf(input, 'QueueUrl') ?? addresses.queueOfPath;
  if (url === undefined || url === '') throw missing('QueueUrl');
  return queueOfUrl(url);
}

/** Throws DumbwaiterError `forbidden` if the caller may not run this operation on the queue. */
export function allow({ caller }: SqsCall, operation: OperationName, queue: string): void {
  authorize(caller.principal, operation, { queue }, {});
}

export async function run<Name extends OperationName>(
  { service }: SqsParts,
  { caller }: SqsCall,
  operation: Name,
  params: ParamsOf<Name>,
  input: InputOf<Name>,
): Promise<OutputOf<Name>> {
  return (await service.call(operation, params, input, caller)) as OutputOf<Name>;
}
