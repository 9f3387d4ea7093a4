/** Types of API keys. Instants are RFC 3339 with milliseconds. */

import type { Environment } from './environment.ts';

/** What a key may do: `routes.ts` says which scope an operation needs. `receive` includes `read`, which changes nothing. */
export type Scope = 'publish' | 'receive' | 'read' | 'admin';

export interface KeyInput {
  /** A name for people, 1 to 80 characters. */
  name: string;
  /** At most 50 queue names; `*` stands for any characters. A key needs at least one queue or topic. */
  queues: string[];
  /**
   * At most 50 topic names; `*` stands for any characters. They also cover the queues that subscriptions of these topics own.
   * Default: all topics if the key covers all queues, otherwise none.
   */
  topics?: string[];
  scopes: Scope[];
  /** RFC 3339, in the future. Default: the key works until it is revoked. */
  expiresAt?: string;
  /** Whether to issue an access key, too, by which AWS clients sign calls of SQS. Default: false. */
  accessKey?: boolean;
}

/** A new key. `key` and `secretAccessKey` are shown only once. */
export interface CreatedKey extends ApiKey {
  key: string;
  /** If the key was created with `accessKey`. */
  secretAccessKey?: string;
}

export interface ApiKey {
  id: string;
  name: string;
  /** Queue names; `*` stands for any characters. */
  queues: string[];
  /** Topic names; `*` stands for any characters. */
  topics: string[];
  scopes: Scope[];
  /** The id by which AWS clients sign for the key. Absent if it was created without `accessKey`. */
  accessKeyId?: string;
  createdAt: string;
  /** The key stops working at this instant; `null`: it works until it is revoked. */
  expiresAt: string | null;
  /** When the key was last used, accurate to the hour; `null`: never. */
  lastUsedAt: string | null;
}

/** What the key of a call may do, and which server answers. */
export interface OwnKey {
  /** The key's id; `admin` for the first key of a deployment, `iam` for a caller that AWS authorized. */
  id: string;
  scopes: Scope[];
  /** Queue names; `*` stands for any characters. */
  queues: string[];
  /** Topic names; `*` stands for any characters. */
  topics: string[];
  /** The key stops working at this instant; `null`: it works until it is revoked. */
  expiresAt: string | null;
  /** The version of the server. */
  version: string;
  /** The name of the deployment; `null`: it has none. */
  environment: Environment | null;
}
