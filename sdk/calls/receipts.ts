/** The messages that a call settles. */

/** Received messages, or their receipts. */
export type Receipts = readonly (string | { readonly receipt: string })[];

export function receiptsOf(messages: Receipts): string[] {
  return messages.map((message) => (typeof message === 'string' ? message : message.receipt));
}
