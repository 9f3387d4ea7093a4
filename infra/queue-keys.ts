/**
 * API keys that a stack declares for its programs, each for some queues. IAM cannot tell queues apart: the functions serve all queues, and so
 * do the tables. An API key can.
 */
import { CustomResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Scope } from '../contract/contract.ts';
import { keyNameCharsMax } from '../contract/limits.ts';
import { scopes } from '../contract/scopes.ts';
import { checkKey } from './declaration-checks.ts';
import { GeneratedSecret } from './generated-secret.ts';
import { grantSecret, grantTables } from './grants.ts';
import { type DumbwaiterTables, declareKeysAccess } from './table-access.ts';

export interface QueueKeysProps {
  /** The function that registers keys (`functions/lambda/declare-queues.ts`), and its role. */
  functionArn: string;
  role: IRole;
  tables: DumbwaiterTables;
  encryptionKey: IKey | undefined;
}

/** What a key may do. */
export interface KeyTerms {
  queues: readonly string[];
  topics: readonly string[] | undefined;
  scopes: readonly Scope[];
  version?: number | undefined;
}

/** The properties that the handler reads. */
interface KeyProperties {
  keyJson: string;
  secretArn: string;
}

const timeout = Duration.minutes(2);
/** A limit of Secrets Manager. */
const descriptionCharsMax = 2_048;

/** Differs for other terms: no name contains the signs. Without topics, a key covers all of them if it covers all queues. */
function idOf({ queues, topics, scopes, version = 1 }: KeyTerms): string {
  const ofTopics = topics === undefined ? [] : [`topics: ${topics.join(' ')}`];
  const versioned = version === 1 ? [] : [`version: ${version}`];
  return [scopes.join('+'), ...queues, ...ofTopics, ...versioned].join(' ').trim();
}

export class QueueKeys extends Construct {
  readonly #props: QueueKeysProps;
  readonly #keys = new Map<string, GeneratedSecret>();

  constructor(scope: Construct, id: string, props: QueueKeysProps) {
    super(scope, id);
    this.#props = props;
  }

  /** The secret with the text of a key. Programs with the same terms share the key. A key that the stack no longer declares is revoked. */
  key(given: KeyTerms): GeneratedSecret {
    const terms = { ...given, scopes: [...given.scopes].sort((a, b) => scopes.indexOf(a) - scopes.indexOf(b)) };
    const id = idOf(terms).replaceAll('/', '-');
    const known = this.#keys.get(id);
    if (known) return known;
    const key = this.#declare(id, terms);
    this.#keys.set(id, key);
    return key;
  }

  #declare(id: string, { queues, topics, scopes }: KeyTerms): GeneratedSecret {
    const { functionArn, role, tables, encryptionKey } = this.#props;
    const name = `${this.node.scope?.node.path}: ${id}`.slice(0, keyNameCharsMax);
    const input = { name, queues: [...queues], scopes: [...scopes], ...(topics && { topics: [...topics] }) };
    checkKey(this.node.path, input);
    const scope = new Construct(this, id);
    const secret = new GeneratedSecret(scope, 'Key', {
      description: `Dumbwaiter's API key for ${id}`.slice(0, descriptionCharsMax),
      isKey: true,
      rotatedByHand: 'The operator rotates it by hand: docs/operating.md, "Keys".',
      // Without the stack the key is revoked.
      removalPolicy: RemovalPolicy.DESTROY,
      encryptionKey,
    });
    const properties: KeyProperties = { keyJson: JSON.stringify(input), secretArn: secret.arn };
    const resource = new CustomResource(scope, 'Resource', {
      resourceType: 'Custom::DumbwaiterKey',
      serviceToken: functionArn,
      serviceTimeout: timeout,
      properties,
    });
    grantTables(this, role, tables, declareKeysAccess).applyBefore(resource);
    grantSecret(this, role, secret).applyBefore(resource);
    return secret;
  }
}
