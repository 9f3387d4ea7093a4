/** A secret of the deployment. Secrets Manager generates it, so no template or log contains it. */
import { type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type CfnSecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { NodeFunction } from './node-function.ts';

/** 43 random letters and digits hold 256 bits. */
const secretCharsDefault = 43;

export interface GeneratedSecretProps {
  description: string;
  /** How many letters and digits. Default: 43. */
  chars?: number;
  /** Why no function rotates it. */
  rotatedByHand: string;
  removalPolicy: RemovalPolicy;
  encryptionKey: IKey | undefined;
}

export interface ReadableSecret {
  arn: string;
  encryptionKey: IKey | undefined;
}

/** Allows less than `grantRead`, which would add `DescribeSecret`. */
export function grantReading(grantee: IGrantable, { arn, encryptionKey }: ReadableSecret): Grant {
  const granted = Grant.addToPrincipal({ grantee, actions: ['secretsmanager:GetSecretValue'], resourceArns: [arn] });
  const key = encryptionKey?.grantDecrypt(grantee);
  return key === undefined ? granted : granted.combine(key);
}

/** The value is plain text. */
export class GeneratedSecret extends Construct {
  readonly secret: Secret;
  /** The ARN from the resource's attribute. `Ref` returns the ARN on AWS but only a name on emulators, which no policy would match. */
  readonly arn: string;

  constructor(scope: Construct, id: string, props: GeneratedSecretProps) {
    super(scope, id);
    const { description, chars = secretCharsDefault, rotatedByHand, removalPolicy, encryptionKey } = props;
    this.secret = new Secret(this, 'Secret', {
      description,
      generateSecretString: { passwordLength: chars, excludePunctuation: true },
      removalPolicy,
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    });
    this.arn = (this.secret.node.defaultChild as CfnSecret).attrId;
    Validations.of(this.secret).acknowledge({ id: 'AwsSolutions-SMG4', reason: rotatedByHand });
  }

  get encryptionKey(): IKey | undefined {
    return this.secret.encryptionKey;
  }

  allowReading(reader: NodeFunction): void {
    grantReading(reader.function, this);
  }
}
