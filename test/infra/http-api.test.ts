import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { DomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildConsole } from '../../console/build.ts';
import { addresses } from '../../contract/routes.ts';
import { inputs } from '../../contract/schemas/inputs.ts';
import { codeWithConsole } from '../../infra/console.ts';
import { consoleFolder } from '../../infra/entries.ts';
import type { DumbwaiterProps } from '../../infra/index.ts';
import { ensureBundles, type Synthesized, synthesize } from './synthesized.ts';

let synthesized: Synthesized;

beforeAll(async () => {
  await Promise.all([ensureBundles(), buildConsole(consoleFolder)]);
  synthesized = synthesize();
});

function onlyOne(type: string, from = synthesized): Record<string, unknown> {
  const [only, ...others] = from.all(type);
  expect(others).toEqual([]);
  return only![1].Properties;
}

test('API Gateway sends the calls that may wait to the function for them, and every other path to the api function', () => {
  expect(onlyOne('AWS::ApiGatewayV2::Api')).toMatchObject({ ProtocolType: 'HTTP' });
  const integrations = new Map(synthesized.all('AWS::ApiGatewayV2::Integration'));
  const functionOf = ({ Target }: Record<string, unknown>) => {
    const [, id] = /"Ref":"(\w+)"/.exec(JSON.stringify(Target))!;
    const { IntegrationType, PayloadFormatVersion, IntegrationUri } = integrations.get(id!)!.Properties;
    expect({ IntegrationType, PayloadFormatVersion }).toEqual({ IntegrationType: 'AWS_PROXY', PayloadFormatVersion: '2.0' });
    return /DumbwaiterFunctions([A-Za-z]+?)Function[0-9A-F]{8}/.exec(JSON.stringify(IntegrationUri))![1];
  };
  const found = synthesized
    .all('AWS::ApiGatewayV2::Route')
    .map(([, { Properties }]) => [Properties.RouteKey, functionOf(Properties)]);
  expect(Object.fromEntries(found)).toEqual({
    $default: 'Api',
    'POST /v1/queues/{queue}/receive': 'HttpReceive',
    'GET /v1/queues/{queue}/messages/{id}': 'HttpReceive',
  });
});

test('a change of the console alone changes the code of the api function, so that a deployment has it', async () => {
  const keyOf = async (page: string) => {
    const files = await mkdtemp(join(tmpdir(), 'dumbwaiter-console-'));
    await writeFile(join(files, 'index.html'), page);
    const code = codeWithConsole(files).bind(new Stack(new App(), 'Test'));
    await rm(files, { recursive: true });
    return code.s3Location!.objectKey;
  };
  expect(await keyOf('one')).not.toBe(await keyOf('other'));
});

test('on request, the api function has the console beside its code and answers its paths, also where SQS has every other path', () => {
  const variablesOf = (from: Synthesized) =>
    JSON.stringify(from.at('AWS::Lambda::Function', 'Functions/Api/Function').Properties);
  expect(variablesOf(synthesized)).not.toMatch(/CONSOLE|ENVIRONMENT/);
  const given = synthesize({ console: true, environment: { name: 'staging', color: 'green' }, sqs: true });
  const integrations = new Map(given.all('AWS::ApiGatewayV2::Integration'));
  const ofConsole = given
    .all('AWS::ApiGatewayV2::Route')
    .filter(([, { Properties }]) => /console/.test(`${Properties.RouteKey}`));
  expect(ofConsole.map(([, { Properties }]) => Properties.RouteKey).sort()).toEqual(['GET /console', 'GET /console/{proxy+}']);
  for (const [, { Properties }] of ofConsole) {
    const [, id] = /"Ref":"(\w+)"/.exec(JSON.stringify(Properties.Target))!;
    expect(JSON.stringify(integrations.get(id!)!.Properties.IntegrationUri)).toContain('FunctionsApiFunction');
  }
  expect(variablesOf(given)).toContain('"DUMBWAITER_CONSOLE":"true","DUMBWAITER_ENVIRONMENT":"staging:green"');
  expect(Object.keys(given.template.findOutputs('ConsoleUrl'))).toEqual(['ConsoleUrl']);
  expect(() => synthesize({ environment: { name: '' } })).toThrow(/^\w+\/\w+: environment: must be NAME or NAME:COLOR/);
});

test('every operation with waitSeconds has a route to the function for calls that wait', () => {
  const operations = Object.keys(inputs) as (keyof typeof inputs)[];
  const waiting = operations.filter((operation) => 'waitSeconds' in inputs[operation].shape);
  expect(waiting.length).toBeGreaterThan(0);
  const keys = synthesized.all('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties.RouteKey);
  for (const operation of waiting) expect(keys).toContain(`${addresses[operation].method} ${addresses[operation].path}`);
});

test('API Gateway throttles requests at the default rate or the given one', () => {
  const throttleOf = (from: Synthesized) => onlyOne('AWS::ApiGatewayV2::Stage', from).DefaultRouteSettings;
  expect(throttleOf(synthesized)).toEqual({ ThrottlingRateLimit: 1000, ThrottlingBurstLimit: 2000 });
  const given = synthesize({ throttle: { requestsPerSecond: 5, burst: 10 } });
  expect(throttleOf(given)).toEqual({ ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 });
});

test('API Gateway logs one line of JSON for each request, with its id and without its content', () => {
  const { DestinationArn, Format } = onlyOne('AWS::ApiGatewayV2::Stage').AccessLogSettings as Record<string, string>;
  expect(DestinationArn).toEqual({ 'Fn::GetAtt': [expect.stringMatching('^DumbwaiterHttpAccessLogs'), 'Arn'] });
  const line = JSON.parse(Format!);
  expect(line).toMatchObject({ requestId: '$context.requestId', status: '$context.status', path: '$context.path' });
  expect(Format).not.toMatch(/body|header|authoriz/i);
});

test('API Gateway lets web pages call only from the named origins', () => {
  expect(onlyOne('AWS::ApiGatewayV2::Api')).not.toHaveProperty('CorsConfiguration');
  const given = synthesize({ allowedOrigins: ['https://shop.example.com'] });
  expect(onlyOne('AWS::ApiGatewayV2::Api', given).CorsConfiguration).toMatchObject({
    AllowOrigins: ['https://shop.example.com'],
    AllowMethods: ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'],
    AllowHeaders: ['authorization', 'content-type'],
  });
});

describe('a custom domain', () => {
  const withDomain = (props: DumbwaiterProps = {}) => {
    let url = '';
    const given = synthesize(
      (stack) => {
        const certificate = Certificate.fromCertificateArn(
          stack,
          'Certificate',
          'arn:aws:acm:eu-west-1:111122223333:certificate/1',
        );
        return { ...props, domainName: new DomainName(stack, 'Domain', { domainName: 'queue.example.com', certificate }) };
      },
      (dumbwaiter) => {
        url = dumbwaiter.url;
      },
    );
    return { given, url };
  };

  test('a custom domain maps to the root of the API and becomes its URL', () => {
    const { given } = withDomain();
    expect(onlyOne('AWS::ApiGatewayV2::ApiMapping', given)).toMatchObject({
      ApiId: { Ref: expect.stringMatching('^DumbwaiterHttpApi') },
      DomainName: { Ref: expect.stringMatching('^Domain') },
    });
    expect(onlyOne('AWS::ApiGatewayV2::ApiMapping', given)).not.toHaveProperty('ApiMappingKey');
    const { Value } = given.template.findOutputs('ApiUrl').ApiUrl!;
    expect(given.stack.resolve(Value)).toEqual({ 'Fn::Join': ['', ['https://', { Ref: expect.stringMatching('^Domain') }]] });
  });

  test('a custom domain can be the only endpoint', () => {
    expect(onlyOne('AWS::ApiGatewayV2::Api')).toMatchObject({ DisableExecuteApiEndpoint: false });
    const { given } = withDomain({ disableExecuteApiEndpoint: true });
    expect(onlyOne('AWS::ApiGatewayV2::Api', given)).toMatchObject({ DisableExecuteApiEndpoint: true });
    expect(() => synthesize({ disableExecuteApiEndpoint: true })).toThrow('disableExecuteApiEndpoint needs a domainName');
  });
});

test('the construct exposes its HTTP API for extension', () => {
  synthesize({}, (dumbwaiter, stack) => {
    expect(stack.resolve(dumbwaiter.httpApi.apiId)).toEqual({ Ref: expect.stringMatching('^DumbwaiterHttpApi') });
  });
});

test('the stack generates the first admin key in letters and digits, which a header can carry', () => {
  expect(onlyOne('AWS::SecretsManager::Secret')).toMatchObject({
    GenerateSecretString: { PasswordLength: 43, ExcludePunctuation: true },
  });
});
