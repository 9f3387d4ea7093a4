/** What must happen in many histories. A fault or an answer that never occurs is a gap in the test. */
import { manyFaults } from '../../../engine/simulation/faulty-store.ts';

const steps = [
  'publish',
  'receive',
  'ack',
  'release',
  'extend',
  'cancel',
  'replace',
  'change',
  'look',
  'decide',
  'schedule',
  'reschedule',
  'unschedule',
  'transact',
  'wait',
  'sweep',
  'purge',
  'redrive',
  'cancelRedrive',
  'read',
  'update',
  'remake',
  'die',
  'setClock',
  'loseClock',
];

const outcomes = [
  'messages received',
  'messages received again',
  'dead letters received',
  'dead letters: max_receives',
  'dead letters: expired',
  'dead letters: rejected',
  'result dead-lettered',
  'result duplicate',
  'keys taken',
  'result lease_lost',
  'result unavailable',
  'answer unavailable',
  'answer clock_skewed',
  'answer lost',
  'processes replaced',
  'messages redriven',
  'messages cancelled',
  'messages replaced',
  'messages changed',
  'ticks received',
  'ticks of cron expressions received',
  'messages published for an instant',
  'messages published for an instant past',
  'messages put off to an instant',
  'messages committed',
  'messages rolled back',
  'answer message_committed',
  'answer message_rolled_back',
  'publishers asked: commit',
  'publishers asked: rollback',
  'publishers asked: unknown',
  'rolled_back',
  'ended messages shown',
  'results shown',
  'limited queues that were full',
  'transactions committed',
  'transactions refused',
  'transactions unanswered',
  'messages of groups received',
  'rows removed by sweeps',
  'dead-lettered by sweeps',
  'rows removed by TTL',
  'sleeping queues skipped by sweeps',
  'queues grown',
  'shards retired',
];

/** Enough histories for rare outcomes. */
const historiesLeast = 1000;

/** What should have happened in so many histories and did not. */
export function missing(counts: Readonly<Record<string, number>>, histories: number): string[] {
  if (histories < historiesLeast) return [];
  const expected = [
    ...Object.keys(manyFaults.rates).map((fault) => `fault ${fault}`),
    ...steps.map((step) => `step ${step}`),
    ...outcomes,
  ];
  return expected.filter((what) => !counts[what]);
}
