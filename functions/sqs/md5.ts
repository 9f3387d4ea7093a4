/**
 * The digests with which clients check what the queue stored:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 */
import { createHash, hash } from 'node:crypto';
import type { MessageAttribute } from './message-attributes.ts';

export function md5OfBody(body: string): string {
  return hash('md5', body);
}

/** Undefined if there are none, as answers then have no such field. */
export function md5OfAttributes(attributes: ReadonlyMap<string, MessageAttribute>): string | undefined {
  if (attributes.size === 0) return undefined;
  const digest = createHash('md5');
  const add = (bytes: Uint8Array) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    digest.update(length).update(bytes);
  };
  for (const name of [...attributes.keys()].sort()) {
    const { type, value } = attributes.get(name)!;
    add(Buffer.from(name));
    add(Buffer.from(type));
    const isBinary = type.startsWith('Binary');
    digest.update(Uint8Array.of(isBinary ? 2 : 1));
    add(Buffer.from(value, isBinary ? 'base64' : 'utf8'));
  }
  return digest.digest('hex');
}
