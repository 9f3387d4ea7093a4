/** Reads DynamoDB's answers: checks them, and throws the errors that they carry. */
import zlib from 'node:zlib';
import type { HttpAnswer } from '../../aws/request.ts';
import { DamagedAnswer, DynamoError } from './errors.ts';

/**
 * The JSON of an answer. Throws DamagedAnswer if the answer is not what DynamoDB sent, and DynamoError if DynamoDB refused the
 * call. No answer is compressed, because no request asks for it, as with the AWS SDK.
 */
export function readAnswer({ status, headers, body }: HttpAnswer): Record<string, unknown> {
  const checksum = headers['x-amz-crc32'];
  if (checksum !== undefined && Number(checksum) !== zlib.crc32(body)) {
    throw new DamagedAnswer(`the answer of status ${status} does not match its checksum`);
  }
  // A gateway on the way may refuse a call for its rate in a text of its own.
  const answer = parse(body.toString()) ?? (status === 429 ? {} : undefined);
  if (answer === undefined) throw new DamagedAnswer(`the answer of status ${status} is not a JSON object`);
  if (status === 200) return answer;
  const { __type: type, message, Message } = answer;
  throw new DynamoError(nameOf(type, status), String(message ?? Message ?? `status ${status}`), status, answer);
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** `ConditionalCheckFailedException` of `com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException`. */
function nameOf(type: unknown, status: number): string {
  return typeof type === 'string' && type !== '' ? type.slice(type.lastIndexOf('#') + 1) : `Status${status}`;
}

/** The server's time when it answered, in milliseconds since 1970. */
export function dateOf({ headers }: HttpAnswer): number | undefined {
  const date = Date.parse(headers.date ?? '');
  return Number.isNaN(date) ? undefined : date;
}
