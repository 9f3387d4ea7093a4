/**
 * What a client that waits and the server tell each other over a WebSocket, each as one JSON text. A notice carries no message: it only says
 * that a receive, or a read by id, may find something. The address is `wakeUrl` in the answer to a receive or to a read by id.
 */
import type { ErrorCode } from './errors.ts';

/**
 * `listen`: tell this connection when the queue has messages. It holds for one wake-up; then the consumer receives, and listens again when it
 * is idle. With `id`: tell it when that message ends. `keep`: nothing, but API Gateway closes a connection that is silent for ten minutes.
 */
export type WakeRequest = { action: 'listen'; queue: string; key: string; id?: string } | { action: 'keep' };

/**
 * `listening`: answers a listen. What was published before may have had no notice, so receive once. `dueInMs`: when a delay or a lease in the
 * queue ends next, if that is ahead.
 * `ended`: the message has ended, or has left the queue.
 * `wake`: messages became ready; or, with `inMs`, will be then, and the listen still holds.
 * `refused`: answers a listen that is not allowed. The answers to a listen have its `id`.
 */
export type WakeNotice =
  | { listening: string; id?: string; dueInMs?: number }
  | { ended: string; id: string }
  | { wake: string; inMs?: number }
  | { refused: string; id?: string; code: ErrorCode; message: string };

/** The path of the WebSocket of a local server and a server for teams, relative to the base URL. */
export const wakePath = '/v1/wake';
