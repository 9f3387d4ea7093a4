import type { Caller } from '../calls/caller.ts';
import type { Leases } from '../calls/leases.ts';
import type { Publisher } from '../calls/publisher.ts';
import type { Timers } from '../calls/timers.ts';
import type { Requests } from './requests.ts';

/** What all queues of one client share. */
export interface Connection {
  caller: Caller;
  publisher: Publisher;
  leases: Leases;
  requests: Requests;
  timers: Timers;
}
