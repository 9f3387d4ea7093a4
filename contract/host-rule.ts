/** Which hosts with private addresses the queue may call: those of check-backs and of targets. */

export interface HostRule {
  allowsPrivate(hostname: string): boolean;
}

/** All of them, for a local server, whose user may call services on the same network. */
export const anyHost: HostRule = { allowsPrivate: () => true };

/**
 * Only public addresses, and the hosts of this list: names, addresses, or `*.example.com` for every name below. Throws for a text that is
 * no host, such as one with a port.
 */
export function publicHostsAnd(allowed: readonly string[]): HostRule {
  const names = allowed.map((name) => name.trim()).filter((name) => name !== '');
  const hosts = names.map((name) => (name.startsWith('*.') ? `*.${hostOf(name.slice(2), name)}` : hostOf(name, name)));
  return {
    allowsPrivate: (hostname) =>
      hosts.some((host) => host === hostname || (host.startsWith('*.') && hostname.endsWith(host.slice(1)))),
  };
}

/** The host as URLs write it: in lower case, IPv6 in brackets and in its short form. */
function hostOf(text: string, name: string): string {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  const isIPv6 = URL.canParse(`http://[${bare}]`);
  const url = `http://${isIPv6 ? `[${bare}]` : bare}`;
  if ((isIPv6 || !/[:/?#@*\\]/.test(bare)) && URL.canParse(url)) return new URL(url).hostname;
  throw new Error(`The list of allowed hosts has "${name}", which is no host. Give a name or an address, without a port.`);
}
