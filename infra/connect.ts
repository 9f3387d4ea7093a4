/** Gives a program the environment by which it reaches the queue. `sdk/aws/environment-transport.ts` reads it. */
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import type { Scope } from '../contract/contract.ts';
import { checkNames, type Names } from '../contract/names.ts';
import type { ReadableSecret } from './generated-secret.ts';
import { grantSecret } from './grants.ts';

/** A Lambda function, or anything else with a role and environment variables. */
export interface Connectable extends IGrantable {
  addEnvironment(name: string, value: string): unknown;
}

export interface ConnectOptions {
  /**
   * Patterns of the names of the queues: `*` stands for any characters.
   * @default - all queues
   */
  readonly queues?: readonly string[];
  /**
   * Patterns of the names of the topics.
   * @default - all topics if `queues` covers all queues, otherwise none
   */
  readonly topics?: readonly string[];
  /**
   * What the program may do.
   * @default ['publish', 'receive']
   */
  readonly scopes?: readonly Scope[];
  /**
   * Change the number to rotate the key: the program gets a new key, and then the old one is revoked.
   * @default 1
   */
  readonly keyVersion?: number;
}

export interface Connection {
  url: string;
  key: ReadableSecret;
  /** Of a program with one queue. */
  queue?: string;
}

const optionNames: Names<ConnectOptions> = { queues: true, topics: true, scopes: true, keyVersion: true };

export function checkConnectOptions(options: ConnectOptions): void {
  checkNames('connect', options, optionNames);
}

const connected = new WeakSet<Connectable>();

/** Throws for a program that is connected: the variables of its first connection would be replaced. */
export function connectClient(scope: IConstruct, client: Connectable, { url, key, queue }: Connection): Grant {
  if (connected.has(client)) {
    const advice = "Connect it once, with all of them: dumbwaiter.connect(fn, { queues: ['orders', 'mails'] })";
    throw new Error(`${scope.node.path}: this program is connected already, and has one URL and one API key. ${advice}`);
  }
  connected.add(client);
  client.addEnvironment('DUMBWAITER_URL', url);
  client.addEnvironment('DUMBWAITER_API_KEY_SECRET', key.arn);
  if (queue !== undefined) client.addEnvironment('DUMBWAITER_QUEUE', queue);
  return grantSecret(scope, client, key);
}
