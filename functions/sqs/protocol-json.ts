/** The JSON protocol of SQS: AWS JSON 1.0, with the codes of the Query protocol in a header. */
import { SqsError } from './errors.ts';
import { type Input, isObject } from './input.ts';
import type { Protocol } from './protocol.ts';

const targetPrefix = 'AmazonSQS.';
const utf8 = new TextDecoder('utf-8', { fatal: true });
const headers = { 'content-type': 'application/x-amz-json-1.0' };

export function isJsonCall(request: Request): boolean {
  return request.headers.get('x-amz-target')?.startsWith(targetPrefix) ?? false;
}

export const jsonProtocol: Protocol = {
  read(request, body) {
    const action = request.headers.get('x-amz-target')?.slice(targetPrefix.length) ?? '';
    return { action, input: () => inputOf(body) };
  },
  answer: (_, output) => ({ status: 200, headers, text: JSON.stringify(output) }),
  refuse(error) {
    const { terms, code, message, isSender } = error;
    return {
      status: terms.jsonStatus,
      headers: { ...headers, 'x-amzn-query-error': `${terms.queryCode};${isSender ? 'Sender' : 'Receiver'}` },
      text: JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message }),
    };
  },
};

function inputOf(body: Uint8Array): Input {
  if (body.length === 0) return {};
  let input: unknown;
  try {
    input = JSON.parse(utf8.decode(body));
  } catch {
    throw new SqsError('SerializationException', 'The body must be JSON in UTF-8.');
  }
  if (!isObject(input)) throw new SqsError('SerializationException', 'The body must be a JSON object.');
  return input;
}
