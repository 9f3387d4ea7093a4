/** Types of the audit: which key changed what lately. Instants are RFC 3339 with milliseconds. */

/** The operations that the audit notes. Publishing, receiving, settling and reading are not among them. */
export const auditedOperations = [
  'createQueue',
  'updateQueue',
  'deleteQueue',
  'purge',
  'rotateSigningSecret',
  'putTarget',
  'deleteTarget',
  'updateMessage',
  'cancelMessage',
  'releaseMessage',
  'redrive',
  'cancelRedrive',
  'createTopic',
  'updateTopic',
  'deleteTopic',
  'subscribe',
  'updateSubscription',
  'unsubscribe',
  'putSchedule',
  'updateSchedule',
  'deleteSchedule',
  'createKey',
  'revokeKey',
] as const;

export type AuditedOperation = (typeof auditedOperations)[number];

export interface AuditInput {
  /** Entries per page, 1 to 100. Default 50. */
  limit?: number;
  /** The `cursor` of the previous page. Default: the first page. */
  cursor?: string;
  /** Only changes of this queue and of its messages. Default: all. */
  queue?: string;
  /** Only calls with the key of this id. Default: all. */
  key?: string;
  /** Only calls at or after this instant. Default: no bound. */
  from?: string;
  /** Only calls before this instant. Default: no bound. */
  until?: string;
}

/** One call that changed something. */
export interface AuditEntry {
  at: string;
  operation: AuditedOperation;
  /** The key of the call; `admin` for the first key of a deployment, `iam` for a caller that AWS authorized. */
  key: { id: string; name?: string };
  /** What was changed: the parameters of the operation, such as `queue` and `id`. */
  params: { [name: string]: string };
  /**
   * The fields of the input. Numbers, booleans and `null` are as they were sent, and the scopes of a key are a text. Any other value is `…`,
   * because it may be a body or a secret.
   */
  input: { [field: string]: number | boolean | string | null };
}
