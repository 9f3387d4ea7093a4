/** What SQLite's errors mean for a user, in one line each. https://sqlite.org/rescode.html */

/** The file cannot be opened. The message is one line for the user. */
export class DataFileError extends Error {
  override readonly name = 'DataFileError';
}

const busy = 5;
const readOnly = 8;
const ioError = 10;
const corrupt = 11;
const full = 13;
const cannotOpen = 14;
const notDatabase = 26;

interface SqliteError extends Error {
  code: 'ERR_SQLITE_ERROR';
  errcode: number;
}

export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && (error as Partial<SqliteError>).code === 'ERR_SQLITE_ERROR';
}

/**
 * Whether a transaction may be in the file although its commit failed: the disk reported an error, so its log may hold the
 * whole transaction. All other errors come before the last frame of a transaction is written.
 */
export function mayBeCommitted(error: unknown): boolean {
  return !isSqliteError(error) || primaryCode(error) === ioError;
}

export function failureText(error: unknown, file: string): string {
  const reason = error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
  switch (codeOf(error)) {
    case busy:
      return `The data file ${file} is used by another process: stop that process, or choose another file.`;
    case readOnly:
      return `The data file ${file} cannot be written (${reason}): change its permissions, or choose another file.`;
    case corrupt:
    case notDatabase:
      return `The data file ${file} is damaged (${reason}): restore a copy of it, or move it away to begin with an empty queue.`;
    case full:
      return `The data file ${file} cannot grow (${reason}): make room on its disk.`;
    case cannotOpen:
      return `The data file ${file} cannot be opened (${reason}): check that its folder exists and can be written.`;
    default:
      return `The data file ${file} cannot be read or written: ${reason}.`;
  }
}

/** Errors of the file system, by the code of SQLite that means the same. */
const codeOfSystemError: { [code: string]: number } = {
  EACCES: readOnly,
  EPERM: readOnly,
  EROFS: readOnly,
  ENOSPC: full,
  ENOENT: cannotOpen,
  ENOTDIR: cannotOpen,
};

function codeOf(error: unknown): number | undefined {
  return isSqliteError(error) ? primaryCode(error) : codeOfSystemError[String((error as NodeJS.ErrnoException).code)];
}

/** Extended codes carry more detail in their higher bits. */
function primaryCode({ errcode }: SqliteError): number {
  return errcode & 0xff;
}
