/** Parsers of option values. Each throws commander's error, which names the option. */
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import { jsonText } from '../contract/json-text.ts';

export function numberOf(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new InvalidArgumentError('It must be a number.');
  return number;
}

/** A whole number, at least 1. */
export function wholeOf(text: string): number {
  const number = numberOf(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return number;
}

/** A JSON value that stays as it was typed. */
export function jsonOf(text: string): never {
  try {
    return jsonText(text) as never;
  } catch {
    throw new InvalidArgumentError('It must be JSON, such as {"a": 1} or "text".');
  }
}

/** `name=value`: numbers are sent as numbers. May be given several times. */
export function attributeOf(text: string, before: Record<string, string | number> = {}): Record<string, string | number> {
  const [name, value] = text.split(/=(.*)/s);
  if (!name || value === undefined) throw new InvalidArgumentError('It must be name=value.');
  const isNumber = value !== '' && String(Number(value)) === value;
  return { ...before, [name]: isNumber ? Number(value) : value };
}

/** The text of a file; `-` is standard input. */
export async function textOfFile(path: string): Promise<string> {
  if (path !== '-') return readFile(path, 'utf8');
  let text = '';
  for await (const part of process.stdin.setEncoding('utf8')) text += part;
  return text;
}
