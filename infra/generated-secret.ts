/** A secret of the deployment. Secrets Manager generates it, so no template or log contains it. */
import type { RemovalPolicy } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type CfnSecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { generatedKeyChars } from '../contract/generated-keys.ts';
import { acknowledge } from './cdk-versions.ts';
import type { NodeFunction } from './node-function.ts';

/** 43 random letters and digits hold 256 bits. Another value would have CloudFormation replace the secrets of deployments. */
const plain = { passwordLength: 43, excludePunctuation: true };
/** Emulators know `excludeCharacters` only. */
const key = {
  passwordLength: generatedKeyChars,
  excludePunctuation: true,
  excludeCharacters: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
};

export interface GeneratedSecretProps {
  description: string;
  /** The text of an API key, whose form emulators of AWS must keep, too. Default: false. */
  isKey?: boolean;
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
  const decrypting = encryptionKey?.grantDecrypt(grantee);
  return decrypting === undefined ? granted : granted.combine(decrypting);
}

/** The value is plain text. */
export class GeneratedSecret extends Construct {
  readonly secret: Secret;
  /** The ARN from the resource's attribute. `Ref` returns the ARN on AWS but only a name on emulators, which no policy would match. */
  readonly arn: string;

  constructor(scope: Construct, id: string, props: GeneratedSecretProps) {
    super(scope, id);
    const { description, isKey = false, rotatedByHand, removalPolicy, encryptionKey } = props;
    this.secret = new Secret(this, 'Secret', {
      description,
      generateSecretString: isKey ? key : plain,
      removalPolicy,
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    });
    this.arn = (this.secret.node.defaultChild as CfnSecret).attrId;
    acknowledge(this.secret, 'AwsSolutions-SMG4', rotatedByHand);
  }

  get encryptionKey(): IKey | undefined {
    return this.secret.encryptionKey;
  }

  allowReading(reader: NodeFunction): void {
    grantReading(reader.function, this);
  }
}
