/**
 * Which messages fit into one answer. Texts grow on their way: in XML, in JSON, and in JSON once more where Lambda passes the answer on.
 * The queue reckons with JSON as it was published, which SQS sends as a string.
 */
import { callBytesMax } from '../../contract/limits.ts';

/** The bytes that a character takes at most: `&` in XML, a quotation mark in JSON within JSON. */
const bytesPerChar = 5;
const growing = /["\\&<>\n\r\t]/g;

/** How many of these messages, each by its texts, fit into one answer: at least one. */
export function fittingCount(messages: readonly (readonly string[])[]): number {
  const chars = messages.flat().reduce((sum, { length }) => sum + length, 0);
  if (chars * bytesPerChar <= callBytesMax) return messages.length;
  let bytes = 0;
  const beyond = messages.findIndex((texts, index) => {
    for (const text of texts) bytes += Buffer.byteLength(text) + (bytesPerChar - 1) * (text.match(growing)?.length ?? 0);
    return index > 0 && bytes > callBytesMax;
  });
  return beyond < 0 ? messages.length : beyond;
}
