/**
 * Which URLs the queue may call. On AWS only public addresses, over HTTPS, and the hosts that the operator allows; on a local server any.
 * This check refuses a URL early and says why. The address itself is checked when the connection is made: see
 * `functions/service/outgoing-post.ts`.
 */
import { isIP } from 'node:net';
import { invalidInput } from '../../contract/errors.ts';
import type { HostRule } from '../../contract/host-rule.ts';

/** Throws DumbwaiterError `invalid_input`. */
export function checkUrl(text: string, { allowsPrivate }: HostRule): void {
  const { protocol, hostname } = new URL(text);
  if (allowsPrivate(hostname)) return;
  const advice = 'Put it on the list of allowed hosts, DUMBWAITER_PUSH_ALLOWED_HOSTS, if it is yours.';
  if (protocol !== 'https:') throw invalidInput(`url: must be a URL of https; given ${protocol}//${hostname}. ${advice}`);
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || isLocalName(hostname)) {
    throw invalidInput(`url: must name a public host, not ${hostname}. ${advice}`);
  }
}

function isLocalName(hostname: string): boolean {
  return !hostname.includes('.') || /(^|\.)(localhost|local|internal)\.?$/.test(hostname);
}
