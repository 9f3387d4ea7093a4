/** Errors shared by the operations on one message by id. */
import { DumbwaiterError } from '../../contract/errors.ts';

export function messageNotFound(queue: string, id: string): DumbwaiterError {
  return new DumbwaiterError('message_not_found', `id: there is no message "${id}" in the queue "${queue}"`);
}

export function leasedNow(id: string, way: string): DumbwaiterError {
  return new DumbwaiterError('message_leased', `id: the message "${id}" is leased; ${way}`);
}
