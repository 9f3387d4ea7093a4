/**
 * Which `Host` headers a server on this machine answers. A web page can make a browser send requests here under a name of
 * its own (DNS rebinding); the `Host` header then carries that name.
 */

/** Whether an address to listen on, or the name in a `Host` header, stands for this machine alone. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^\[|\]$/g, '');
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost') || /^127(\.\d{1,3}){3}$/.test(name);
}

/** The name of a `Host` header, without the port; undefined if it is none. */
export function hostnameOf(host: string): string | undefined {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined;
}
