/**
 * What an idle consumer and the server tell each other over a WebSocket, each as one JSON text. A notice carries no message: it only says
 * that a receive may find one. The address is `wakeUrl` in the answer to a receive.
 */
import type { ErrorCode } from './errors.ts';

/**
 * `listen`: tell this connection when the queue has messages. It holds for one wake-up; then the consumer receives, and listens again when it
 * is idle. `keep`: nothing, but API Gateway closes a connection that is silent for ten minutes.
 */
export type WakeRequest = { action: 'listen'; queue: string; key: string } | { action: 'keep' };

/**
 * `listening`: answers a listen. What was published before may have had no notice, so receive once. `dueInMs`: when a delay or a lease in the
 * queue ends next, if that is ahead.
 * `wake`: messages became ready; or, with `inMs`, will be then, and the listen still holds.
 * `refused`: answers a listen that is not allowed.
 */
export type WakeNotice =
  | { listening: string; dueInMs?: number }
  | { wake: string; inMs?: number }
  | { refused: string; code: ErrorCode; message: string };

/** The path of the WebSocket of a local server and a server for teams, relative to the base URL. */
export const wakePath = '/v1/wake';
