/** What `connect`, the grants of a queue, and imported deployments put into a stack. */
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { beforeAll, describe, expect, test } from 'vitest';
import { generatedKeyChars } from '../../contract/generated-keys.ts';
import { type ConnectOptions, Dumbwaiter, type DumbwaiterAttributes, type IDumbwaiter } from '../../infra/index.ts';
import { ensureBundles, type Synthesized, synthesize } from './synthesized.ts';

let deployed: Synthesized;

const functionIn = (stack: Stack, id: string) =>
  new LambdaFunction(stack, id, { runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code: Code.fromInline('0') });
const roleIn = (stack: Stack, id: string) => new Role(stack, id, { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });

beforeAll(async () => {
  await ensureBundles();
  deployed = synthesize({}, (dumbwaiter, stack) => {
    const orders = dumbwaiter.queue('orders');
    orders.connect(functionIn(stack, 'Checkout'));
    orders.grantPublish(roleIn(stack, 'Publisher'));
    orders.grantPublish(roleIn(stack, 'OtherPublisher'));
    orders.grantReceive(roleIn(stack, 'Receiver'));
    orders.grantRead(roleIn(stack, 'Reader'));
    orders.grantAdmin(roleIn(stack, 'Operator'));
    orders.connect(functionIn(stack, 'Rotated'), { scopes: ['publish'], keyVersion: 2 });
    dumbwaiter.connect(functionIn(stack, 'Everything'));
    dumbwaiter.connect(functionIn(stack, 'Router'), { queues: ['mails', 'orders-*'], topics: ['news'], scopes: ['publish'] });
  });
});

const keysOf = ({ template }: Synthesized) =>
  Object.values(template.findResources('Custom::DumbwaiterKey')).map(({ Properties }) => JSON.parse(Properties.keyJson));
/** The queues and scopes of the key whose secret a principal may read. */
function keyReadBy(name: string, from: Synthesized) {
  const [policy] = from
    .all('AWS::IAM::Policy')
    .filter(([, { Properties }]) => JSON.stringify(Properties.Roles).includes(`"${name}`));
  const [, secret] =
    /"secretsmanager:GetSecretValue","Effect":"Allow","Resource":\{"Fn::GetAtt":\["(\w+)","Id"\]/.exec(JSON.stringify(policy)) ??
    [];
  const keys = from
    .all('Custom::DumbwaiterKey')
    .filter(([, { Properties }]) => JSON.stringify(Properties.secretArn).includes(secret!));
  return keys.map(([, { Properties }]) => JSON.parse(Properties.keyJson as string));
}

describe('programs that a stack connects', () => {
  test('a connected function has the URL, the secret of its key, and its queue in its environment', () => {
    const variables = (name: string) => {
      const [found] = deployed.all('AWS::Lambda::Function').filter(([id]) => id.startsWith(name));
      return (found![1].Properties.Environment as { Variables: object }).Variables;
    };
    const secret = { 'Fn::GetAtt': [expect.stringMatching(/^DumbwaiterKeys.*Secret/), 'Id'] };
    expect(variables('Checkout')).toEqual({
      DUMBWAITER_URL: expect.anything(),
      DUMBWAITER_API_KEY_SECRET: secret,
      DUMBWAITER_QUEUE: 'orders',
    });
    expect(variables('Everything')).toEqual({ DUMBWAITER_URL: expect.anything(), DUMBWAITER_API_KEY_SECRET: secret });
  });

  test.each([
    ['CheckoutServiceRole', { queues: ['orders'], scopes: ['publish', 'receive'] }],
    ['Publisher', { queues: ['orders'], scopes: ['publish'] }],
    ['OtherPublisher', { queues: ['orders'], scopes: ['publish'] }],
    ['Receiver', { queues: ['orders'], scopes: ['receive'] }],
    ['Reader', { queues: ['orders'], scopes: ['read'] }],
    ['Operator', { queues: ['orders'], scopes: ['publish', 'receive', 'admin'] }],
    ['EverythingServiceRole', { queues: ['*'], scopes: ['publish', 'receive'] }],
    ['RouterServiceRole', { queues: ['mails', 'orders-*'], topics: ['news'], scopes: ['publish'] }],
  ])('the role %s may read the secret of exactly one key', (name, terms) => {
    expect(keyReadBy(name, deployed)).toEqual([{ name: expect.any(String), ...terms }]);
  });

  test('programs with the same queues and scopes share a key', () => {
    expect(keysOf(deployed)).toHaveLength(8);
  });

  test('another version of a key is another key with another secret', () => {
    const same = deployed.all('Custom::DumbwaiterKey').filter(([, { Properties }]) => {
      const { queues, scopes } = JSON.parse(Properties.keyJson as string);
      return queues.join() === 'orders' && scopes.join() === 'publish';
    });
    expect(new Set(same.map(([, { Properties }]) => JSON.stringify(Properties.secretArn))).size).toBe(2);
  });

  test('the text of a key is generated, and removed with the key', () => {
    const found = deployed.all('AWS::SecretsManager::Secret').filter(([id]) => id.startsWith('DumbwaiterKeys'));
    expect(found).toHaveLength(8);
    for (const [, secret] of found) {
      expect(secret).toMatchObject({
        DeletionPolicy: 'Delete',
        Properties: { GenerateSecretString: { ExcludePunctuation: true, PasswordLength: generatedKeyChars } },
      });
    }
  });

  test('keys are registered after their function may read the secret and write rows of keys, and no others', () => {
    for (const [, { DependsOn }] of deployed.all('Custom::DumbwaiterKey')) {
      expect(DependsOn).toContainEqual(expect.stringMatching('^DumbwaiterFunctionsDeclareQueuesRoleDefaultPolicy'));
    }
    deployed.template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          {
            Action: ['GetItem', 'BatchGetItem', 'PutItem', 'DeleteItem'].map((action) => `dynamodb:${action}`),
            Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['key'] } },
            Effect: 'Allow',
            Resource: Match.anyValue(),
          },
        ]),
      },
    });
  });
});

describe('what cannot be connected', () => {
  const [own, other] = ['111122223333', '444455556666'];
  const stack = () => new Stack(new App(), 'Test', { env: { account: own, region: 'eu-west-1' } });
  const dumbwaiterIn = (scope: Stack) => new Dumbwaiter(scope, 'Dumbwaiter');

  test('a program is connected once only, with all its queues', () => {
    const into = stack();
    const [dumbwaiter, fn] = [dumbwaiterIn(into), functionIn(into, 'Checkout')];
    dumbwaiter.queue('orders').connect(fn);
    expect(() => dumbwaiter.queue('mails').connect(fn)).toThrow("dumbwaiter.connect(fn, { queues: ['orders', 'mails'] })");
  });

  test('programs with other terms get other keys, whatever the names of their queues', () => {
    const into = stack();
    const dumbwaiter = dumbwaiterIn(into);
    const options: ConnectOptions[] = [
      {},
      { topics: [] },
      { queues: ['receive', 'orders'], scopes: ['publish'] },
      { queues: ['orders'], scopes: ['publish', 'receive'] },
      { queues: ['orders', 'topic', 'news'] },
      { queues: ['orders'], topics: ['news'] },
      { queues: ['orders', 'version', '2'] },
      { queues: ['orders'], keyVersion: 2 },
    ];
    for (const [index, one] of options.entries()) dumbwaiter.connect(functionIn(into, `Program${index}`), one);
    Template.fromStack(into).resourceCountIs('Custom::DumbwaiterKey', options.length);
  });

  test('a role of another account gets no key', () => {
    const into = stack();
    const foreign = Role.fromRoleArn(into, 'Foreign', `arn:aws:iam::${other}:role/worker`);
    expect(() => dumbwaiterIn(into).queue('orders').grantPublish(foreign)).toThrow(`is of account ${other}`);
  });

  test('the description of a key for many queues has at most the characters that Secrets Manager takes', () => {
    const into = stack();
    const queues = Array.from({ length: 40 }, (_, index) => `${'q'.repeat(76)}${index}`);
    dumbwaiterIn(into).connect(functionIn(into, 'Checkout'), { queues });
    const secrets = Object.values(Template.fromStack(into).findResources('AWS::SecretsManager::Secret'));
    const lengths = secrets.map(({ Properties }) => Properties.Description.length);
    expect(Math.max(...lengths)).toBe(2_048);
  });

  test('a key with an invalid queue or an unknown scope is refused with its path', () => {
    const connect = (options: object) => {
      const into = stack();
      return dumbwaiterIn(into).connect(functionIn(into, 'Checkout'), options);
    };
    expect(() => connect({ queues: ['a b'] })).toThrow('the key of a program.queues[0]: must');
    expect(() => connect({ scopes: ['write'] })).toThrow('the key of a program.scopes[0]: must');
    expect(() => connect({ scope: ['publish'] })).toThrow('connect: unknown option scope; the nearest is scopes');
  });
});

describe('an imported deployment', () => {
  const attributes: DumbwaiterAttributes = {
    apiUrl: 'https://queue.example.com',
    adminKeySecretArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:admin-AbCdEf',
    apiFunctionName: 'api',
    publishFunctionName: 'publish',
    receiveFunctionName: 'receive',
    messagesTableName: 'messages',
    leasesTableName: 'leases',
    queuesTableName: 'queues',
    declareQueuesFunctionName: 'declare',
    declareQueuesRoleArn: 'arn:aws:iam::111122223333:role/declare',
  };
  const stackWith = (use: (dumbwaiter: IDumbwaiter, stack: Stack) => void, given = attributes) => {
    const stack = new Stack(new App(), 'Test', { env: { account: '111122223333', region: 'eu-west-1' } });
    use(Dumbwaiter.fromAttributes(stack, 'Queue', given), stack);
    return Template.fromStack(stack);
  };
  const actions = (template: Template) =>
    Object.values(template.findResources('AWS::IAM::Policy')).flatMap(({ Properties }) =>
      Properties.PolicyDocument.Statement.flatMap(({ Action }: { Action: string | string[] }) => Action),
    );

  test.each([
    ['grantPublish', 'function:publish'],
    ['grantReceive', 'function:receive'],
    ['grantAdmin', 'function:api'],
    ['grantDirect', 'table/leases/index/due'],
    ['grantTransactions', 'table/messages'],
    ['grantServe', 'secret:admin-AbCdEf'],
  ] as const)('%s of an imported deployment names the resources of the deployment', (grant, resource) => {
    const template = stackWith((dumbwaiter, stack) => {
      expect(dumbwaiter[grant](roleIn(stack, 'Worker')).success).toBe(true);
    });
    const [policy, ...others] = Object.values(template.findResources('AWS::IAM::Policy'));
    expect(JSON.stringify(policy)).toContain(resource);
    expect(others).toEqual([]);
  });

  test('a queue of an imported deployment connects a function by a key that the deployment registers', () => {
    const template = stackWith((dumbwaiter, stack) => {
      dumbwaiter.queue('orders').connect(functionIn(stack, 'Checkout'));
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ DUMBWAITER_URL: attributes.apiUrl, DUMBWAITER_QUEUE: 'orders' }) },
    });
    template.hasResource('Custom::DumbwaiterKey', {
      Properties: { ServiceToken: Match.anyValue(), keyJson: Match.stringLikeRegexp('"queues":\\["orders"\\]') },
      DependsOn: [Match.stringLikeRegexp('^QueueDeclareQueuesRolePolicy')],
    });
    template.hasResourceProperties('AWS::IAM::Policy', { Roles: ['declare'] });
    expect(actions(template).sort()).toEqual(
      ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem']
        .map((action) => `dynamodb:${action}`)
        .concat('secretsmanager:GetSecretValue', 'secretsmanager:GetSecretValue'),
    );
  });

  test('the customer managed key of an imported deployment is granted with what it encrypts', () => {
    const encryptionKey = (stack: Stack) => Key.fromKeyArn(stack, 'Kms', 'arn:aws:kms:eu-west-1:111122223333:key/1');
    const stack = new Stack(new App(), 'Test');
    Dumbwaiter.fromAttributes(stack, 'Queue', { ...attributes, encryptionKey: encryptionKey(stack) }).grantServe(
      roleIn(stack, 'Worker'),
    );
    expect(actions(Template.fromStack(stack))).toContain('kms:Decrypt');
  });

  test.each([
    ['grantPublish', 'publishFunctionName, the output PublishFunctionName'],
    ['grantDirect', 'messagesTableName, the output MessagesTableName'],
    ['grantServe', 'adminKeySecretArn, the output AdminKeySecretArn'],
  ] as const)('%s names the attribute that it needs', (grant, named) => {
    const given = grant === 'grantServe' ? { ...attributes, adminKeySecretArn: undefined as never } : {};
    expect(() => stackWith((dumbwaiter, stack) => dumbwaiter[grant](roleIn(stack, 'Worker')), given)).toThrow(
      `Test/Queue: give fromAttributes ${named} of the deployment`,
    );
  });

  test('an imported deployment takes no consumers, and says where they belong', () => {
    const add = (dumbwaiter: IDumbwaiter, stack: Stack) => dumbwaiter.queue('orders').addConsumer(functionIn(stack, 'Charge'));
    expect(() => stackWith(add)).toThrow('an imported Dumbwaiter takes no consumers');
    expect(() => stackWith(() => undefined, { apiURL: 'x' } as never)).toThrow('unknown option apiURL; the nearest is apiUrl');
  });
});
