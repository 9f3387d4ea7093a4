/** Refuses requests to another host name. This protects a server on a loopback address from DNS rebinding. */
import { DumbwaiterError } from '../../contract/errors.ts';

/** Whether a `Host` header names this server. */
export type IsOwnHost = (hostname: string) => boolean;

/** Throws DumbwaiterError `forbidden` for a request to another host name. */
export function checkHost(url: string, isOwnHost: IsOwnHost): void {
  const { hostname } = new URL(url);
  if (isOwnHost(hostname)) return;
  throw new DumbwaiterError(
    'forbidden',
    `Host: ${hostname} is not a name of this server; start it with --allow-host ${hostname}`,
  );
}
