/** Parses the JSON text of a request, received over HTTP or Lambda. */
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { readRequest } from '../../contract/json-reader.ts';

/** Returns bodies, attributes and results as JsonText. Throws `invalid_input` for invalid JSON and for duplicate fields. */
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
