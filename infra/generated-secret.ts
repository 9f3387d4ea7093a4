/** A secret of the deployment. Secrets Manager generates it, so no template or log contains it. */
import { type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type CfnSecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { NodeFunction } from './node-function.ts';

/** 43 random letters and digits hold 256 bits. */
const secretChars = 43;

export interface GeneratedSecretProps {
  description: string;
  /** Why no function rotates it. */
  rotatedByHand: string;
  removalPolicy: RemovalPolicy;
  encryptionKey: IKey | undefined;
}

/** The value is plain text. */
export class GeneratedSecret extends Construct {
  readonly secret: Secret;
  /** The ARN from the resource's attribute. `Ref` returns the ARN on AWS but only a name on emulators, which no policy would match. */
  readonly arn: string;

  constructor(scope: Construct, id: string, props: GeneratedSecretProps) {
    super(scope, id);
    const { description, rotatedByHand, removalPolicy, encryptionKey } = props;
    this.secret = new Secret(this, 'Secret', {
      description,
      generateSecretString: { passwordLength: secretChars, excludePunctuation: true },
      removalPolicy,
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    });
    this.arn = (this.secret.node.defaultChild as CfnSecret).attrId;
    Validations.of(this.secret).acknowledge({ id: 'AwsSolutions-SMG4', reason: rotatedByHand });
  }

  /** Allows less than `grantRead`, which would add `DescribeSecret`. */
  allowReading(reader: NodeFunction): void {
    reader.allow(['secretsmanager:GetSecretValue'], [this.arn]);
    this.secret.encryptionKey?.grantDecrypt(reader.function);
  }

  /** The same for a principal outside the construct. */
  grantReading(grantee: IGrantable): Grant {
    const granted = Grant.addToPrincipal({ grantee, actions: ['secretsmanager:GetSecretValue'], resourceArns: [this.arn] });
    const key = this.secret.encryptionKey?.grantDecrypt(grantee);
    return key === undefined ? granted : granted.combine(key);
  }
}
