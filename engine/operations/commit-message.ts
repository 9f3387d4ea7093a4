/** Commits a prepared message: it can be received now, or after its delay. A repeated commit changes nothing. */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { decide } from '../messages/commit-rollback.ts';
import { messageNotFound } from './message-errors.ts';

/** Throws DumbwaiterError `message_rolled_back`, `message_not_found`. */
export async function commitMessage(ctx: Context, queueName: string, id: string): Promise<object> {
  const decided = await decide(ctx, queueName, id, 'commit');
  if (decided === 'committed') return {};
  if (decided === 'unknown') throw messageNotFound(queueName, id);
  throw new DumbwaiterError('message_rolled_back', `id: the message "${id}" was already rolled back or cancelled`);
}
