/** What other stacks and programs need of a deployment, whether this app makes it (`Dumbwaiter`) or imports it (`fromAttributes`). */
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, type IConstruct } from 'constructs';
import { type Connectable, type ConnectOptions, checkConnectOptions, connectClient } from './connect.ts';
import type { ReadableSecret } from './generated-secret.ts';
import { grantDirect, grantInvoke, grantServe, grantTransactions } from './grants.ts';
import type { QueueKeys } from './queue-keys.ts';
import type { QueueRef } from './queue-ref.ts';
import type { DumbwaiterTables } from './table-access.ts';
import type { TopicRef } from './topic-ref.ts';

export interface IDumbwaiter extends IConstruct {
  /** Base URL of the HTTP API. */
  readonly url: string;
  readonly tables: DumbwaiterTables;
  /** The secret whose value is the first admin key, as plain text. */
  readonly adminKeySecret: ISecret | Secret;
  /** Runs what the scope `publish` allows, for principals that may invoke it. */
  readonly publishFunction: IFunction;
  /** Runs what the scope `receive` allows (receive, ack, release, extend, reading messages), for principals that may invoke it. */
  readonly receiveFunction: IFunction;
  /** Runs every operation. It is the main function behind the HTTP API. A principal that may invoke it needs no API key. */
  readonly adminFunction: IFunction;
  /** A queue, to add consumers to and to connect programs with. It must be declared, or exist. */
  queue(name: string): QueueRef;
  /** A topic, for its metrics. It must be declared, or exist. */
  topic(name: string): TopicRef;
  /**
   * Gives a program an API key of its own, which is made by the deployment, and what the program needs to use it: permission to read the
   * key's secret, and the variables `DUMBWAITER_URL` and `DUMBWAITER_API_KEY_SECRET`, which `environmentTransport()` of
   * `dumbwaiter-queue/aws` reads. Secrets Manager charges $0.40 a month for a key. Throws for principals of other accounts.
   */
  connect(client: Connectable, options?: ConnectOptions): Grant;
  /** Lets a principal of this account publish to every queue by invoking `publishFunction`. Throws for principals of other accounts. */
  grantPublish(grantee: IGrantable): Grant;
  /**
   * Lets a principal of this account receive from every queue, and ack, release, extend and read its messages, by invoking
   * `receiveFunction`. Throws for principals of other accounts.
   */
  grantReceive(grantee: IGrantable): Grant;
  /** Lets a principal of this account do everything, including keys, by invoking `adminFunction`. Throws for principals of other accounts. */
  grantAdmin(grantee: IGrantable): Grant;
  /**
   * Lets a principal of this account run the queue in its own process, over the direct transport. It may read and write the tables
   * themselves, except API keys. That allows every operation on every queue and more: in the tables, IAM can neither distinguish queues nor
   * enforce the queue's rules. Throws for principals of other accounts.
   */
  grantDirect(grantee: IGrantable): Grant;
  /**
   * Lets a principal of this account run the server for teams (`npm run serve`, or its container). It may read and write the tables
   * themselves, API keys included, and read the first admin key and the secret of access keys. Throws for principals of other accounts.
   */
  grantServe(grantee: IGrantable): Grant;
  /**
   * Lets a principal of this account commit, in its own transactions, the entries that `publishItems` and `ackItems` made for it over HTTP
   * or Lambda. It can then put any row into the tables of messages: grant this only to programs that are trusted with all queues. Throws
   * for principals of other accounts.
   */
  grantTransactions(grantee: IGrantable): Grant;
}

export abstract class DumbwaiterRef extends Construct implements IDumbwaiter {
  abstract readonly url: string;
  abstract readonly tables: DumbwaiterTables;
  abstract readonly adminKeySecret: ISecret | Secret;
  abstract readonly publishFunction: IFunction;
  abstract readonly receiveFunction: IFunction;
  abstract readonly adminFunction: IFunction;
  abstract queue(name: string): QueueRef;
  abstract topic(name: string): TopicRef;
  /** The secrets that the server for teams reads. */
  protected abstract serverSecrets(): readonly ReadableSecret[];
  protected abstract queueKeys(): QueueKeys;

  connect(client: Connectable, options: ConnectOptions = {}): Grant {
    checkConnectOptions(options);
    const { queues = ['*'], topics, scopes = ['publish', 'receive'], keyVersion } = options;
    const key = this.queueKeys().key({ queues, topics, scopes, version: keyVersion });
    return connectClient(this, client, { url: this.url, key });
  }

  grantPublish(grantee: IGrantable): Grant {
    return grantInvoke(this, this.publishFunction, grantee);
  }

  grantReceive(grantee: IGrantable): Grant {
    return grantInvoke(this, this.receiveFunction, grantee);
  }

  grantAdmin(grantee: IGrantable): Grant {
    return grantInvoke(this, this.adminFunction, grantee);
  }

  grantDirect(grantee: IGrantable): Grant {
    return grantDirect(this, grantee, this.tables);
  }

  grantServe(grantee: IGrantable): Grant {
    return grantServe(this, grantee, this.tables, this.serverSecrets());
  }

  grantTransactions(grantee: IGrantable): Grant {
    return grantTransactions(this, grantee, this.tables);
  }
}
