/** The log of all functions. Fields hold names, ids and times; never a body, a receipt or a key. */
export type LogFields = Record<string, string | number | boolean | undefined>;

export interface Log {
  info(message: string, fields: LogFields): void;
  warn(message: string, fields: LogFields): void;
  /** For defects and for states that the engine's rules make impossible. */
  error(message: string, fields: LogFields, error?: unknown): void;
}
