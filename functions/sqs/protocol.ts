/** What the two protocols of SQS have in common: each reads a request as an action and its input, and writes the answer. */
import type { SqsError } from './errors.ts';
import type { Input } from './input.ts';

export interface ReadCall {
  action: string;
  /** Throws SqsError. */
  input(): Input;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  text: string;
}

export interface Protocol {
  read(request: Request, body: Uint8Array): ReadCall;
  answer(action: string, output: object, requestId: string): Answer;
  refuse(error: SqsError, requestId: string): Answer;
}
