/** What a call leaves in the logs: names, ids and times; never a body, a receipt or a key. */
export type LogFields = Record<string, string | number | boolean | undefined>;

export interface Log {
  info(message: string, fields: LogFields): void;
  warn(message: string, fields: LogFields): void;
  /** A defect, or something that the rules make impossible: an alarm looks for these. */
  error(message: string, fields: LogFields, error?: unknown): void;
}
