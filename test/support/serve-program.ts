/** The server for teams in a process of its own, on the tables of a test. */
import { type LocalProgram, startCommand } from './local-program.ts';

/** Keeps the credentials and settings of this machine away from the program. */
const noAccount = {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/nonexistent',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
};
/** A line of its log. */
const listens = /^\{.*"message":"Listening".*"url":"([^"]+)"/m;

/** Starts a command on any free port. */
export function startServe(
  [command, ...words]: [string, ...string[]],
  environment: NodeJS.ProcessEnv,
  cwd?: string,
): LocalProgram {
  const all = { ...noAccount, DUMBWAITER_PORT: '0', ...environment };
  return startCommand(command, words, all, { listens, ...(cwd === undefined ? {} : { cwd }) });
}

export type LogLine = { level: string; message: string; [field: string]: unknown };

/** The lines that a server has logged so far. Throws if one is not JSON. */
export function logOf(program: LocalProgram): LogLine[] {
  const lines = program.output().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LogLine);
}
