/** The options of the server for teams. */

import type { Environment } from '../../contract/contract.ts';

export interface ServeOptions {
  host: string;
  port: number;
  messagesTable?: string;
  leasesTable?: string;
  queuesTable?: string;
  adminKeySecret?: string;
  accessKeySecret?: string;
  pushAllowedHosts: string;
  allowOrigin: string[];
  environment?: Environment;
}

export const tableOptions = {
  messages: { name: 'messagesTable', flag: '--messages-table', variable: 'DUMBWAITER_MESSAGES_TABLE' },
  leases: { name: 'leasesTable', flag: '--leases-table', variable: 'DUMBWAITER_LEASES_TABLE' },
  queues: { name: 'queuesTable', flag: '--queues-table', variable: 'DUMBWAITER_QUEUES_TABLE' },
} as const;
