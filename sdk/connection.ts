import type { Leases } from './leases.ts';
import type { Publisher } from './publisher.ts';
import type { Requests } from './requests.ts';
import type { Caller } from './retry.ts';
import type { Timers } from './timers.ts';

/** What all queues of one client share. */
export interface Connection {
  caller: Caller;
  publisher: Publisher;
  leases: Leases;
  requests: Requests;
  timers: Timers;
}
