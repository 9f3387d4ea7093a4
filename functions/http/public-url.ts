/** The base URL at which callers reach this server. A proxy's `x-forwarded-proto` and `x-forwarded-prefix` headers are applied. */
export function publicUrl({ url, headers }: Request): string {
  const { protocol, host } = new URL(url);
  const scheme = /^https?$/.exec(headers.get('x-forwarded-proto') ?? '')?.[0] ?? protocol.slice(0, -1);
  const prefix = /^(\/[\w.~-]+)+(?=\/?$)/.exec(headers.get('x-forwarded-prefix') ?? '')?.[0] ?? '';
  return `${scheme}://${host}${prefix}`;
}
