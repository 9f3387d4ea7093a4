import { beforeAll, expect, test } from 'vitest';
import { bundleFunctions } from '../../infra/bundle.ts';
import { type Synthesized, synthesize } from './synthesized.ts';

let synthesized: Synthesized;

beforeAll(async () => {
  await bundleFunctions();
  synthesized = synthesize();
});

function onlyOne(type: string, from = synthesized): Record<string, unknown> {
  const [only, ...others] = from.all(type);
  expect(others).toEqual([]);
  return only![1].Properties;
}

test('every path goes to the api function', () => {
  expect(onlyOne('AWS::ApiGatewayV2::Api')).toMatchObject({ ProtocolType: 'HTTP' });
  expect(onlyOne('AWS::ApiGatewayV2::Route')).toMatchObject({ RouteKey: '$default' });
  expect(onlyOne('AWS::ApiGatewayV2::Integration')).toMatchObject({
    IntegrationType: 'AWS_PROXY',
    PayloadFormatVersion: '2.0',
    IntegrationUri: { 'Fn::GetAtt': [expect.stringMatching('^DumbwaiterFunctionsApiFunction'), 'Arn'] },
  });
});

test('requests are throttled, by default or as asked', () => {
  const throttleOf = (from: Synthesized) => onlyOne('AWS::ApiGatewayV2::Stage', from).DefaultRouteSettings;
  expect(throttleOf(synthesized)).toEqual({ ThrottlingRateLimit: 1000, ThrottlingBurstLimit: 2000 });
  const given = synthesize({ throttle: { requestsPerSecond: 5, burst: 10 } });
  expect(throttleOf(given)).toEqual({ ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 });
});

test('each request leaves one line of JSON, with its id and without what it carries', () => {
  const { DestinationArn, Format } = onlyOne('AWS::ApiGatewayV2::Stage').AccessLogSettings as Record<string, string>;
  expect(DestinationArn).toEqual({ 'Fn::GetAtt': [expect.stringMatching('^DumbwaiterHttpAccessLogs'), 'Arn'] });
  const line = JSON.parse(Format!);
  expect(line).toMatchObject({ requestId: '$context.requestId', status: '$context.status', path: '$context.path' });
  expect(Format).not.toMatch(/body|header|authoriz/i);
});

test('web pages may call the API only from the origins that are named', () => {
  expect(onlyOne('AWS::ApiGatewayV2::Api')).not.toHaveProperty('CorsConfiguration');
  const given = synthesize({ allowedOrigins: ['https://shop.example.com'] });
  expect(onlyOne('AWS::ApiGatewayV2::Api', given).CorsConfiguration).toMatchObject({
    AllowOrigins: ['https://shop.example.com'],
    AllowMethods: ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'],
    AllowHeaders: ['authorization', 'content-type'],
  });
});

test('the first admin key is generated, in letters and digits that a header can carry', () => {
  expect(onlyOne('AWS::SecretsManager::Secret')).toMatchObject({
    GenerateSecretString: { PasswordLength: 43, ExcludePunctuation: true },
  });
});
