/** Bodies and attributes as text, for comparison. */
import type { Json, PublishEntry } from '../../../contract/contract.ts';

/** The body alone: it identifies the message even when its attributes have changed. */
export function bodyKey({ body, bodyBase64 }: Pick<PublishEntry, 'body' | 'bodyBase64'>): string {
  return contentKey(bodyBase64 === undefined ? (body === undefined ? {} : { body }) : { bodyBase64 });
}

/** The same text for the same content. */
export function contentKey({
  body,
  bodyBase64,
  attributes = {},
}: Pick<PublishEntry, 'body' | 'bodyBase64' | 'attributes'>): string {
  const content =
    bodyBase64 === undefined ? { body: body ?? null } : { bytes: Buffer.from(bodyBase64, 'base64').toString('hex') };
  return JSON.stringify(sorted({ ...content, attributes }));
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const names = Object.keys(value).sort();
  // A list, because an object treats a field named `__proto__` specially.
  return { fields: names.flatMap((name) => [name, sorted(value[name] as Json)]) };
}
