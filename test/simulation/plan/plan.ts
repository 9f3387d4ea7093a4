/**
 * What is to happen in one history, as data: queues, processes, what each does in turn, and how often each fault strikes. Data, so that
 * a history that fails can be tried again with a part of it left out.
 */

import type { MissedTicks, QueueSettings } from '../../../contract/contract.ts';
import type { Fault } from '../../../engine/simulation/faulty-store.ts';

export interface Plan {
  seed: number;
  queues: PlannedQueue[];
  processes: PlannedProcess[];
  rates: Record<Fault, number>;
  /** A pause lasts up to this, ms. */
  pauseMsMax: number;
  /** Between two runs of the sweep while there is work, ms; undefined: nobody sweeps until all is over. */
  sweepMs: number | undefined;
  /** How long nobody does anything when the work is over, ms: past the end of a tombstone, what it hid would come back. */
  silenceMs: number;
  /** Whether DynamoDB's TTL removes rows while there is work, some time after they asked for it. */
  ttlActs: boolean;
}

export interface PlannedQueue {
  name: string;
  settings: Partial<QueueSettings>;
  /** That it begins with. */
  shards: number;
}

export interface PlannedProcess {
  name: string;
  /** How far its clock is off at first, ms. */
  skewMs: number;
  steps: Step[];
}

/** Which of the receipts that a process has: those it holds, one of them, some, or some that it has used before. */
export type Choice = 'all' | 'one' | 'some' | 'used';

export interface PlannedMessage {
  /** Tells one body from another. */
  number: number;
  /** Characters of the body besides that, which no deflating makes shorter. */
  chars: number;
  id?: string;
  delaySeconds?: number;
  /** Instead: an instant so long after now, by the clock of whoever publishes it; before now, where it is less than 0. */
  deliverSeconds?: number;
  group?: string;
  dedupKey?: string;
  prepared?: true;
  priority?: number;
}

export type PlannedRule = { everySeconds: number } | { cron: string; timeZone?: string };

/** What a schedule publishes, and when: for so long, from so long after now on. */
export interface ScheduleStep {
  name: string;
  queue: string;
  rule: PlannedRule;
  startSeconds?: number;
  /** How long it has ticks. */
  lastsSeconds: number;
  missed: MissedTicks;
  number: number;
  chars: number;
}

/** What of a schedule is to be another. */
export type ScheduleChange = Partial<Pick<ScheduleStep, 'rule' | 'missed' | 'number' | 'chars'>> & { paused?: boolean };

export type Step =
  | { do: 'publish'; queue: string; messages: PlannedMessage[]; aside?: boolean }
  | {
      do: 'receive';
      queue: string;
      max: number;
      visibilityTimeoutSeconds?: number;
      waitSeconds?: number;
      aside?: boolean;
    }
  /** With a result of this number, where its queue keeps any. */
  | { do: 'ack'; which: Choice; result?: Pick<PlannedMessage, 'number' | 'chars'>; aside?: boolean }
  | { do: 'release'; which: Choice; delaySeconds?: number; failed?: string; deadLetter?: true; aside?: boolean }
  | { do: 'extend'; which: Choice; visibilityTimeoutSeconds?: number; aside?: boolean }
  | { do: 'cancel'; force?: boolean; aside?: boolean }
  /** Cancels a message under an own id, and publishes another under the same. */
  | { do: 'replace'; force?: boolean; message: PlannedMessage; aside?: boolean }
  /** Puts a message off or brings it forward, gives it another body, or another priority. */
  | {
      do: 'change';
      delaySeconds?: number;
      deliverSeconds?: number;
      number?: number;
      chars?: number;
      priority?: number;
      aside?: boolean;
    }
  /** Reads a message by its id, one that has ended rather. */
  | { do: 'look'; waitSeconds?: number; aside?: boolean }
  /** One of those that were prepared, decided by others before or not. */
  | { do: 'decide'; decision: 'commit' | 'rollback'; aside?: boolean }
  | ({ do: 'schedule'; aside?: boolean } & ScheduleStep)
  | { do: 'reschedule'; name: string; change: ScheduleChange; aside?: boolean }
  | { do: 'unschedule'; name: string; aside?: boolean }
  /** Publishes and acks in a transaction of its own, so long after it has had the entries. */
  | {
      do: 'transact';
      publish?: { queue: string; messages: PlannedMessage[] };
      which?: Choice;
      when: 'once' | 'twice' | 'never';
      waitMs: number;
      aside?: boolean;
    }
  | { do: 'wait'; ms: number }
  | { do: 'sweep'; aside?: boolean }
  | { do: 'purge'; queue: string; aside?: boolean }
  | { do: 'redrive'; queue: string; toQueue?: string; onlySome?: boolean; ratePerSecond?: number; aside?: boolean }
  | { do: 'cancelRedrive' }
  | { do: 'read'; queue: string; how: 'peek' | 'counts' | 'message'; aside?: boolean }
  | { do: 'update'; queue: string; settings: Partial<QueueSettings> }
  | { do: 'remake'; queue: string }
  /** The process dies, and another takes its place: what it held is forgotten. */
  | { do: 'die' }
  /** Its clock is set, within the margin. */
  | { do: 'setClock'; skewMs: number }
  /** Its clock is off beyond the margin for a while, in which it tries to receive. */
  | { do: 'loseClock'; queue: string; skewMs: number };

/** Those that run beside the ones that follow, where the plan says so. */
export type AsideStep = Extract<Step, { aside?: boolean }>;
