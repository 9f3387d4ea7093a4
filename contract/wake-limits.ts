/** The limits of wake-ups. Import them from limits.ts, which has all limits. */

/** One request on a connection for wake-ups, as UTF-8 text. */
export const wakeRequestBytesMax = 2048;
/** Queues for which one connection listens. */
export const wakeQueuesMax = 100;
/** Connections for wake-ups of one server. API Gateway has no such limit. */
export const wakeConnectionsMax = 10_000;
/**
 * How long API Gateway keeps a connection, and so how long a listen holds at most, ms:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 */
export const wakeConnectionMsMax = 2 * 60 * 60_000;
/** How often a client says that it is still there. API Gateway closes a connection after ten silent minutes. */
export const wakeKeepMs = 9 * 60_000;
/** How long a new connection has until its first listen is accepted, ms. */
export const wakeFirstListenMs = 10_000;
/** How often a server checks that a connection is alive, ms. */
export const wakePingMs = 30_000;
