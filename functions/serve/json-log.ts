/** The log of a server for teams: one line of JSON per entry on stdout, with the field names of the functions' logs. */
import { textOfThrown } from '../../contract/thrown.ts';
import type { Log, LogFields } from '../service/log.ts';

const service = 'dumbwaiter-serve';

export function createJsonLog(write: (line: string) => void = console.log): Log {
  const log = (level: string, message: string, fields: LogFields, error?: object) =>
    write(JSON.stringify({ level, message, timestamp: new Date().toISOString(), service, ...fields, ...(error && { error }) }));
  return {
    info: (message, fields) => log('INFO', message, fields),
    warn: (message, fields) => log('WARN', message, fields),
    error: (message, fields, error) => log('ERROR', message, fields, error === undefined ? undefined : describe(error)),
  };
}

function describe(error: unknown): object {
  if (!(error instanceof Error)) return { message: textOfThrown(error) };
  const { name, message, stack, cause } = error;
  return { name, message, stack, ...(cause === undefined ? {} : { cause: textOfThrown(cause) }) };
}
