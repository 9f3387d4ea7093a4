/** Calls DynamoDB without the AWS SDK: JSON, signed with Signature Version 4, over kept-alive connections. */
import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { clientSettings } from './test-bed.ts';

const agent = new Agent({ keepAlive: true });
const service = 'dynamodb';

export function bareCall(endpoint: string, operation: string, input: object): Promise<unknown> {
  const { hostname, port, host } = new URL(endpoint);
  const body = JSON.stringify(input);
  const headers = signed({ host, 'x-amz-target': `DynamoDB_20120810.${operation}` }, body);
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, method: 'POST', headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString();
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${operation}: ${answer.statusCode} ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export function closeBare(): void {
  agent.destroy();
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function signed(given: { host: string; 'x-amz-target': string }, body: string): Record<string, string> {
  const { region, credentials } = clientSettings;
  const at = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '');
  const day = at.slice(0, 8);
  const headers: Record<string, string> = { 'content-type': 'application/x-amz-json-1.0', host: given.host, 'x-amz-date': at };
  headers['x-amz-target'] = given['x-amz-target'];
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = ['POST', '/', '', lines.join(''), names, sha256(body)].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', at, scope, sha256(canonical)].join('\n');
  const key = [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${credentials.secretAccessKey}`, day));
  const signature = hmac(key, toSign).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...headers, authorization };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
