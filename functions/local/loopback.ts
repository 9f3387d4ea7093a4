/**
 * Recognizes the `Host` headers that name this machine. By DNS rebinding, a web page can make a browser send requests to this machine under
 * a host name that the page's owner controls. The `Host` header then carries that name.
 */

/** Whether a listen address, or the name in a `Host` header, means only this machine. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^\[|\]$/g, '');
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost') || /^127(\.\d{1,3}){3}$/.test(name);
}

/** The host name in a `Host` header, without the port. Undefined if the header is invalid. */
export function hostnameOf(host: string): string | undefined {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined;
}
