/** Reads the JSON of a request. A body over the limit is refused before it is read whole or parsed. */
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { readRequest } from '../../contract/json-text.ts';
import { callBytesMax } from '../../contract/limits.ts';

/** Returns `{}` if there is no body. Throws `payload_too_large`, `unsupported_media_type`, `request_timeout` or `invalid_input`. */
export async function readJson(request: Request): Promise<unknown> {
  checkDeclared(request, callBytesMax);
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity') {
    throw new DumbwaiterError(
      'unsupported_media_type',
      `The body must be sent without content-encoding, was ${encoding.slice(0, 60)}.`,
    );
  }
  const bytes = await readBytes(request, callBytesMax);
  if (bytes.length === 0) return {};
  const mediaType = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') {
    const given = mediaType === undefined ? 'is missing' : `was ${mediaType.slice(0, 60)}`;
    throw new DumbwaiterError('unsupported_media_type', `The content-type must be application/json, ${given}.`);
  }
  const text = decode(bytes);
  if (carriedBytes(text, bytes.length) > callBytesMax) throw tooLarge('more as an escaped JSON string');
  return parseRequest(text);
}

function checkDeclared(request: Request, bytesMax: number): void {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > bytesMax) throw tooLarge(`${declared} bytes`, bytesMax);
}

/** The body of a request as it is. Throws `payload_too_large`, `request_timeout`. */
export async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  checkDeclared(request, bytesMax);
  try {
    // A declared length was checked before, and the server ends a body at it. A chunked body declares none.
    if (request.headers.has('content-length')) return new Uint8Array(await request.arrayBuffer());
    return request.body === null ? new Uint8Array(0) : await readChunks(request.body, bytesMax);
  } catch (cause) {
    if (cause instanceof DumbwaiterError) throw cause;
    throw new DumbwaiterError('request_timeout', 'The request did not arrive completely.', { cause });
  }
}

async function readChunks(body: ReadableStream<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the body, so that the client stops sending.
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge('more', bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalidInput('input: must be JSON in UTF-8, and has bytes that are not UTF-8');
  }
}

/** Size of the text as an escaped JSON string, which is how API Gateway passes it to Lambda: see `callBytesMax`. */
function carriedBytes(text: string, bytes: number): number {
  // An escaped character takes two bytes. Control characters would take six, but in JSON text they occur only as white space (two bytes).
  if (bytes * 2 <= callBytesMax) return bytes;
  return bytes + (text.match(/["\\\n\r\t]/g)?.length ?? 0);
}

function tooLarge(given: string, bytesMax = callBytesMax): DumbwaiterError {
  const limit = `The body must be at most ${bytesMax} bytes as an escaped JSON string`;
  return new DumbwaiterError('payload_too_large', `${limit}, was ${given}. Split the call.`);
}

/** Parses the JSON text of a request, received over HTTP or Lambda. Returns bodies, attributes and results as JsonText. Throws `invalid_input` for invalid JSON and for duplicate fields. */
export function parseRequest(text: string, name = 'input'): unknown {
  try {
    return readRequest(text);
  } catch (error) {
    if (error instanceof DumbwaiterError) throw error;
    // The parser's message may quote the text, so report only the position.
    const message = error instanceof SyntaxError ? error.message : '';
    const position =
      /at position (\d+)/.exec(message)?.[1] ?? (message.includes('end of JSON') ? String(text.length) : undefined);
    throw invalidInput(`${name}: is not JSON${position === undefined ? '' : `, at position ${position}`}`);
  }
}
