/** The secret that holds the first admin key. Secrets Manager generates the key, so no template or log contains it. */
import { type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type CfnSecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { NodeFunction } from './node-function.ts';

/** 43 random letters and digits hold 256 bits. */
const adminKeyChars = 43;

export interface AdminKeyProps {
  removalPolicy: RemovalPolicy;
  encryptionKey: IKey | undefined;
}

/** The secret's value is the key itself, as plain text. */
export class AdminKey extends Construct {
  readonly secret: Secret;
  /** The ARN from the resource's attribute. `Ref` returns the ARN on AWS but only a name on emulators, which no policy would match. */
  readonly arn: string;

  constructor(scope: Construct, id: string, { removalPolicy, encryptionKey }: AdminKeyProps) {
    super(scope, id);
    this.secret = new Secret(this, 'Secret', {
      description: "Dumbwaiter's first admin key",
      generateSecretString: { passwordLength: adminKeyChars, excludePunctuation: true },
      removalPolicy,
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    });
    this.arn = (this.secret.node.defaultChild as CfnSecret).attrId;
    Validations.of(this.secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Every holder of the key needs the new one, so the operator rotates it by hand: docs/operating.md, "Keys".',
    });
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
