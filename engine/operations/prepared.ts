/** Commits or rolls back a prepared message. A repeat changes nothing. */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { decide } from '../messages/commit-rollback.ts';
import { messageNotFound } from './message-errors.ts';

/** Commits a prepared message: it can be received now, or after its delay. Throws DumbwaiterError `message_rolled_back`, `message_not_found`. */
export async function commitMessage(ctx: Context, queueName: string, id: string): Promise<object> {
  const decided = await decide(ctx, queueName, id, 'commit');
  if (decided === 'committed') return {};
  if (decided === 'unknown') throw messageNotFound(queueName, id);
  throw new DumbwaiterError('message_rolled_back', `id: the message "${id}" was already rolled back or cancelled`);
}

/** Rolls back a prepared message: it is never received. Throws DumbwaiterError `message_committed`, `message_not_found`. */
export async function rollbackMessage(ctx: Context, queueName: string, id: string): Promise<object> {
  const decided = await decide(ctx, queueName, id, 'rollback');
  if (decided === 'rolled_back') return {};
  if (decided === 'unknown') throw messageNotFound(queueName, id);
  throw new DumbwaiterError(
    'message_committed',
    `id: the message "${id}" is already committed, or was published without prepared; cancel it instead`,
  );
}
