/** The OpenAPI texts of the operations on API keys. */
import type { OperationTextsOf } from './operation-text.ts';

const at = '2026-01-31T12:00:00.000Z';
const key = {
  id: '7m2k9q4t1x8v',
  name: 'billing worker',
  queues: ['orders', 'orders-*'],
  topics: ['order-events'],
  scopes: ['publish' as const, 'receive' as const],
  createdAt: at,
  expiresAt: null,
  lastUsedAt: null,
};

const server = { version: '0.1.0', environment: { name: 'production', color: 'red' as const } };

export const keyTexts: OperationTextsOf<'createKey' | 'listKeys' | 'getOwnKey' | 'revokeKey'> = {
  createKey: {
    tag: 'keys',
    summary: 'Create an API key, which is shown only once',
    description:
      'Needs the scope admin on all queues (`*`). A key cannot give a scope that it lacks, and cannot create a key that expires after it. With `accessKey`, the answer also has `accessKeyId` and `secretAccessKey`, by which AWS clients sign calls of SQS with the same permissions.',
    input: { name: key.name, queues: key.queues, scopes: key.scopes },
    output: { ...key, key: 'dw_7m2k9q4t1x8v_0a1b2c3d4e5f6g7h8j9k0m1n2p3q4r5s' },
    refusals: [],
  },
  listKeys: { tag: 'keys', summary: 'List API keys, without their secrets', output: { keys: [key] }, refusals: [] },
  getOwnKey: {
    tag: 'keys',
    summary: 'Read what the key of this call may do, and which server answers',
    output: { id: key.id, scopes: key.scopes, queues: key.queues, topics: key.topics, expiresAt: null, ...server },
    refusals: [],
  },
  revokeKey: {
    tag: 'keys',
    summary: 'Revoke an API key',
    description: 'It stops working everywhere within a minute.',
    output: {},
    refusals: ['key_not_found'],
  },
};
