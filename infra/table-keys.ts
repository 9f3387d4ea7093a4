/** The keys, the index and the TTL attribute of the tables, for those that the construct makes and those that it is given. */

/** Each key is text: the partition key, and the sort key if there is one. */
export const tableKeys = { messages: ['shard', 'id'], leases: ['id'], queues: ['kind', 'name'] } as const;

/** The index of `leases`. Its sort key is a number. */
export const dueIndex = {
  name: 'due',
  partitionKey: 'shard',
  sortKey: 'expiry',
  attributes: ['last', 'expiresAt', 'since'],
} as const;

/** The TTL attribute by which DynamoDB removes rows. No rule of the engine depends on when it does. */
export const timeToLiveAttribute = 'ttl';
