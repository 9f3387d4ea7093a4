/** The log of the local server, on stderr: warnings and errors, and also each call if `calls` is set. */
import type { Log, LogFields } from '../service/log.ts';

export function createLocalLog({ calls }: { calls: boolean }): Log {
  return {
    info(message, fields) {
      if (calls) console.error(line(message, fields));
    },
    warn: (message, fields) => console.error(line(message, fields)),
    error(message, fields, error) {
      console.error(line(message, fields), ...(error === undefined ? [] : [error]));
    },
  };
}

function line(message: string, fields: LogFields): string {
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined);
  return [new Date().toISOString(), message, ...shown.map(([name, value]) => `${name}=${value}`)].join(' ');
}
