/**
 * The plan of one history: queues, processes with their steps, and the rates of faults. A plan is data, so that a failing history can be
 * shrunk by leaving parts out.
 */

import type { MissedTicks, QueueSettings, Subscription } from '../../../contract/contract.ts';
import type { Fault } from '../../../engine/simulation/faulty-store.ts';

export interface Plan {
  seed: number;
  queues: PlannedQueue[];
  /** Few plans have topics. */
  topics: PlannedTopic[];
  processes: PlannedProcess[];
  rates: Record<Fault, number>;
  /** A pause lasts up to this, ms. */
  pauseMsMax: number;
  /** Time between two sweeps while processes run, ms. Undefined: no sweep runs until the end. */
  sweepMs: number | undefined;
  /** A pause after the work, ms. When it outlasts the tombstones, a message that one of them wrongly hides comes back. */
  silenceMs: number;
  /** Whether DynamoDB's TTL removes rows, some time after they expire, while processes run. */
  ttlActs: boolean;
}

export interface PlannedQueue {
  name: string;
  settings: Partial<QueueSettings>;
  /** The number of shards at the start. */
  shards: number;
}

export interface PlannedTopic {
  name: string;
  preparedTimeoutSeconds: number | null;
  /** Of the queues that its subscriptions own. */
  queueSettings: Partial<QueueSettings>;
  /** Those that it has at the start. */
  subscriptions: PlannedSubscription[];
}

/** What a subscription asks for. */
export type Terms = Pick<Subscription, 'subject' | 'filter' | 'filterScope'>;

export interface PlannedSubscription {
  name: string;
  terms: Terms;
  /** An existing queue. Undefined: one of its own. */
  queue?: string;
  expiresAfterSeconds?: number;
}

export interface PlannedProcess {
  name: string;
  /** The error of its clock at the start, ms. */
  skewMs: number;
  steps: Step[];
}

/** Which receipts a process uses: all that it holds, one, some, or some that it has already used. */
export type Choice = 'all' | 'one' | 'some' | 'used';

export interface PlannedMessage {
  /** Makes the body different from all others. */
  number: number;
  /** Further characters of the body, which do not compress. */
  chars: number;
  id?: string;
  delaySeconds?: number;
  /** Instead of a delay: an instant relative to the publisher's clock. Negative: in the past. */
  deliverSeconds?: number;
  group?: string;
  dedupKey?: string;
  prepared?: true;
  priority?: number;
}

export interface PlannedTopicMessage extends PlannedMessage {
  subject?: string;
  /** An attribute, for filters. */
  kind?: string;
}

export type PlannedRule = { everySeconds: number } | { cron: string; timeZone?: string };

/** What a schedule publishes and when. Times are relative to the call. */
export interface ScheduleStep {
  name: string;
  queue: string;
  rule: PlannedRule;
  startSeconds?: number;
  /** The time from the start to the end of the schedule. */
  lastsSeconds: number;
  missed: MissedTicks;
  number: number;
  chars: number;
}

/** A change of a schedule. */
export type ScheduleChange = Partial<Pick<ScheduleStep, 'rule' | 'missed' | 'number' | 'chars'>> & { paused?: boolean };

export type Step =
  | { do: 'publish'; queue: string; messages: PlannedMessage[]; concurrent?: boolean }
  | {
      do: 'receive';
      queue: string;
      max: number;
      visibilityTimeoutSeconds?: number;
      waitSeconds?: number;
      /** Its attempt id, among those of its process. */
      attempt?: number;
      concurrent?: boolean;
    }
  /** `result`: the number and size of the result. */
  | { do: 'ack'; which: Choice; result?: Pick<PlannedMessage, 'number' | 'chars'>; concurrent?: boolean }
  | { do: 'release'; which: Choice; delaySeconds?: number; failed?: string; deadLetter?: true; concurrent?: boolean }
  | { do: 'extend'; which: Choice; visibilityTimeoutSeconds?: number; concurrent?: boolean }
  | { do: 'cancel'; force?: boolean; concurrent?: boolean }
  /** Releases a message by its id. `named`: only the lease of the receive that returned it. */
  | { do: 'releaseById'; delaySeconds?: number; named?: true; concurrent?: boolean }
  /** Cancels a message under an own id, and publishes another under the same. */
  | { do: 'replace'; force?: boolean; message: PlannedMessage; concurrent?: boolean }
  /** Changes when a message is due, its body, or its priority. */
  | {
      do: 'change';
      delaySeconds?: number;
      deliverSeconds?: number;
      number?: number;
      chars?: number;
      priority?: number;
      concurrent?: boolean;
    }
  /** Reads a message by its id, preferably one that has ended. */
  | { do: 'look'; waitSeconds?: number; concurrent?: boolean }
  /** Decides a prepared message, which may be decided already. */
  | { do: 'decide'; decision: 'commit' | 'rollback'; concurrent?: boolean }
  | ({ do: 'schedule'; concurrent?: boolean } & ScheduleStep)
  | { do: 'reschedule'; name: string; change: ScheduleChange; concurrent?: boolean }
  | { do: 'unschedule'; name: string; concurrent?: boolean }
  | { do: 'subscribe'; topic: string; subscription: PlannedSubscription; concurrent?: boolean }
  | { do: 'unsubscribe'; topic: string; name: string; concurrent?: boolean }
  | { do: 'changeTerms'; topic: string; name: string; terms: Terms; concurrent?: boolean }
  | { do: 'publishToTopic'; topic: string; messages: PlannedTopicMessage[]; concurrent?: boolean }
  /** Decides a prepared publish to a topic, which may be decided already. */
  | { do: 'decidePublication'; decision: 'commit' | 'rollback'; concurrent?: boolean }
  /** Deletes a topic and creates it again. Without `force`, only a topic that has no subscriptions is deleted. */
  | { do: 'remakeTopic'; topic: string; force: boolean }
  /** Publishes and acks in its own transaction, `waitMs` after the calls that returned the entries. */
  | {
      do: 'transact';
      publish?: { queue: string; messages: PlannedMessage[] } | { topic: string; messages: PlannedTopicMessage[] };
      which?: Choice;
      when: 'once' | 'twice' | 'never';
      waitMs: number;
      concurrent?: boolean;
    }
  | { do: 'wait'; ms: number }
  | { do: 'sweep'; concurrent?: boolean }
  | { do: 'purge'; queue: string; concurrent?: boolean }
  | { do: 'redrive'; queue: string; toQueue?: string; onlySome?: boolean; ratePerSecond?: number; concurrent?: boolean }
  | { do: 'cancelRedrive' }
  | { do: 'read'; queue: string; how: 'peek' | 'counts' | 'message'; concurrent?: boolean }
  | { do: 'update'; queue: string; settings: Partial<QueueSettings> }
  | { do: 'remake'; queue: string }
  /** The process dies. Another one continues without its receipts. */
  | { do: 'die' }
  /** Sets its clock within the margin. */
  | { do: 'setClock'; skewMs: number }
  /** Sets its clock beyond the margin, tries to receive, and sets it back. */
  | { do: 'loseClock'; queue: string; skewMs: number };
