/**
 * Measures what a message costs in DynamoDB: write units, read units and calls of publish, receive and ack, counted on the embedded
 * DynamoDB engine. `node bench/cost.ts [--json]`; docs/numbers.md explains the figures.
 * This folder holds the measurements behind docs/numbers.md. The programs are `cost.ts`, `speed.ts`, `sweep.ts`, `groups.ts` and
 * `capacity.ts`; `test-bed.ts` builds the test bed that all but the last one use.
 */
import { deflatedShare } from './bodies.ts';
import { type Cost, costOfMessages } from './message-cost.ts';
import { costOfPushSteps } from './push-steps.ts';
import { costOfRecordSteps } from './record-steps.ts';
import { costOfSqsSteps } from './sqs-steps.ts';
import { costOfSteps } from './steps.ts';
import { against, table } from './table.ts';
import { costTargetsOf, isMet, type Target } from './targets.ts';
import { createTestBed, type TestBed } from './test-bed.ts';
import { costOfTopicSteps } from './topic-steps.ts';
import { costOfTransactionSteps } from './transaction-steps.ts';

const bodiesBytes = [40, 1024, 16 * 1024];
const batches = [1, 10];
/** Messages per publish and per receive, where the two differ. Bodies have 40 bytes. */
const unequalBatches = [
  { publishBatch: 1, receiveBatch: 10 },
  { publishBatch: 1, receiveBatch: 100 },
  { publishBatch: 3, receiveBatch: 10 },
  { publishBatch: 10, receiveBatch: 1 },
];
const receiverCounts = [1, 8, 32];
/** Publish calls of each measurement, by number of receivers: enough that the conflicts at the start and at the end weigh little. */
const publishesOf: Record<number, number> = { 1: 200, 8: 800, 32: 3_000 };
const publishesInTensOf: Record<number, number> = { 1: 100, 8: 400, 32: 1_500 };
const messagesOfUnequal: Record<number, number> = { 1: 400, 8: 2_000, 32: 6_000 };
const stepMessages = 100;

interface Row extends Cost {
  bodyBytes: number;
  publishBatch: number;
  receiveBatch: number;
  receivers: number;
}

async function measure(testBed: TestBed): Promise<Row[]> {
  const rows: Row[] = [];
  for (const bodyBytes of bodiesBytes) {
    for (const batch of batches) {
      for (const receivers of receiverCounts) {
        const publishes = (batch === 1 ? publishesOf : publishesInTensOf)[receivers]!;
        const plan = { bodyBytes, publishBatch: batch, receiveBatch: batch, receivers };
        rows.push({ ...plan, ...(await costOfMessages(testBed, { messages: publishes * batch, ...plan })) });
      }
    }
  }
  for (const unequal of unequalBatches) {
    for (const receivers of receiverCounts) {
      const plan = { bodyBytes: bodiesBytes[0]!, ...unequal, receivers };
      rows.push({ ...plan, ...(await costOfMessages(testBed, { messages: messagesOfUnequal[receivers]!, ...plan })) });
    }
  }
  return rows;
}

const digits = 2;

function lifeTable(rows: readonly Row[]): string {
  return table(
    ['body, bytes', 'published by', 'received by', 'receivers', 'write units', 'read units', 'calls', 'refused writes'],
    rows.map((row) => {
      const target = costTargetsOf(row);
      return [
        row.bodyBytes,
        row.publishBatch,
        row.receiveBatch,
        row.receivers,
        against(row.writeUnits, target.writeUnits, digits),
        against(row.readUnits, target.readUnits, digits),
        against(row.calls, target.calls, digits),
        row.refused.toFixed(3),
      ];
    }),
  );
}

const testBed = await createTestBed();
try {
  const rows = await measure(testBed);
  if (process.argv.includes('--json')) {
    console.log(
      JSON.stringify({
        rows: rows.map(({ bodyBytes, publishBatch, receiveBatch, receivers, writeUnits, readUnits, calls }) => {
          return { bodyBytes, publishBatch, receiveBatch, receivers, writeUnits, readUnits, calls };
        }),
      }),
    );
  } else {
    console.log('Publish, receive and ack, per message:\n');
    console.log(lifeTable(rows));
    const shares = bodiesBytes.map((bytes) => `${bytes} B to ${Math.round(deflatedShare(bytes) * 100)} %`);
    console.log(`\nSize of the bodies after deflating each alone: ${shares.join(', ')}.\n`);
    console.log('Single steps, one message of 40 B a call, one receiver, per message:\n');
    const steps = [
      ...(await costOfSteps(testBed, stepMessages)),
      ...(await costOfRecordSteps(testBed, stepMessages)),
      ...(await costOfTransactionSteps(testBed, stepMessages)),
      ...(await costOfPushSteps(testBed, stepMessages)),
      ...(await costOfSqsSteps(testBed, stepMessages)),
      ...(await costOfTopicSteps(testBed, stepMessages)),
    ];
    console.log(
      table(
        ['step', 'write units', 'read units', 'calls'],
        steps.map(({ name, target, cost }) => [
          name,
          against(cost.writeUnits, target, digits),
          cost.readUnits.toFixed(digits),
          cost.calls.toFixed(digits),
        ]),
      ),
    );
  }
  const missed = rows.some((row) => {
    const { writeUnits, readUnits, calls } = costTargetsOf(row);
    const isMissed = (measured: number, target?: Target) => target !== undefined && !isMet(measured, target);
    return isMissed(row.writeUnits, writeUnits) || isMissed(row.readUnits, readUnits) || isMissed(row.calls, calls);
  });
  if (missed) console.error('A target was missed.');
} finally {
  await testBed.close();
}
