/** Passed from the client to the objects that it creates. */
import type { Caller } from '../calls/caller.ts';
import type { Leases } from '../calls/leases.ts';
import type { Publisher } from '../calls/publisher.ts';
import type { Timers } from '../calls/timers.ts';
import type { Requests } from './requests.ts';

/** The parts that all queues of one client share. */
export interface Connection {
  caller: Caller;
  publisher: Publisher;
  leases: Leases;
  requests: Requests;
  timers: Timers;
}
