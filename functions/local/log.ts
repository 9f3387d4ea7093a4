/** The log of a server: readable lines in a terminal, otherwise one line of JSON per entry, with the field names of the functions' logs. */
import { textOfThrown } from '../../contract/thrown.ts';
import type { Log, LogFields } from '../service/log.ts';

export interface ServerLogOptions {
  /** Names the program in lines of JSON. */
  service: string;
  isTerminal: boolean;
  /** Whether to log what is no warning, such as each call. */
  calls: boolean;
  write(line: string): void;
}

interface Entry {
  level: 'INFO' | 'WARN' | 'ERROR';
  message: string;
  fields: LogFields;
  error?: unknown;
}

export function createServerLog({ service, isTerminal, calls, write }: ServerLogOptions): Log {
  const log = (entry: Entry) => write(isTerminal ? textOf(entry) : jsonOf(service, entry));
  return {
    info(message, fields) {
      if (calls) log({ level: 'INFO', message, fields });
    },
    warn: (message, fields) => log({ level: 'WARN', message, fields }),
    error: (message, fields, error) => log({ level: 'ERROR', message, fields, error }),
  };
}

function textOf({ level, message, fields, error }: Entry): string {
  const shown = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  const line = [new Date().toISOString(), ...(level === 'INFO' ? [] : [level]), message, ...shown].join(' ');
  if (error === undefined) return line;
  return `${line}\n${error instanceof Error ? (error.stack ?? error.message) : textOfThrown(error)}`;
}

function jsonOf(service: string, { level, message, fields, error }: Entry): string {
  const thrown = error === undefined ? {} : { error: describe(error) };
  return JSON.stringify({ level, message, timestamp: new Date().toISOString(), service, ...fields, ...thrown });
}

function describe(error: unknown): object {
  if (!(error instanceof Error)) return { message: textOfThrown(error) };
  const { name, message, stack, cause } = error;
  return { name, message, stack, ...(cause === undefined ? {} : { cause: textOfThrown(cause) }) };
}
