/** Prints the results of `speed.ts` as tables. */
import type { ColdStart } from './cold-start.ts';
import type { IdleCost } from './idle.ts';
import type { ListeningCost } from './listening.ts';
import type { SidesReport, SpeedRow } from './sides.ts';
import { against, table } from './table.ts';
import { apiColdStartMs, functionStartBytes, listeningDollars, shareOfBare } from './targets.ts';

export interface SpeedReport extends SidesReport {
  idle: IdleCost;
  listening: ListeningCost;
  functions: ColdStart[];
}

const titles = { publish: 'Publish', receiveAndAck: 'Receive and ack' };

export function printSpeed({ bare, rows, idle, listening, functions }: SpeedReport): void {
  for (const [step, title] of Object.entries(titles)) {
    console.log(`${title}:\n`);
    printRows(rows.filter((row) => row.step === step));
  }
  console.log('Bare calls:\n');
  console.log(
    table(
      [
        'calls of',
        'at a time',
        'client',
        'messages/s',
        'CPU, ms',
        'calls',
        'bytes sent',
        'share that the queue reaches',
        'by CPU',
      ],
      bare.map((row) => [
        titles[row.step].toLowerCase(),
        row.batch,
        row.store,
        Math.round(row.messagesPerSecond),
        milliseconds(row.cpuMsPerMessage),
        row.callsPerMessage.toFixed(2),
        Math.round(row.bytesPerMessage),
        against(row.share, row.store === 'DynamoDB by the own client' ? shareOfBare : undefined, 2),
        row.shareByCpu.toFixed(2),
      ]),
    ),
  );
  console.log('\nIdle:\n');
  console.log(
    table(
      ['what', 'calls a minute', 'read units a minute'],
      [
        [
          'a consumer that waits 20 s each time',
          idle.waiting.callsPerMinute.toFixed(1),
          idle.waiting.readUnitsPerMinute.toFixed(1),
        ],
        ['a consumer that polls every 5 s', idle.polling.callsPerMinute.toFixed(1), idle.polling.readUnitsPerMinute.toFixed(1)],
        [
          'the sweep, each queue that is awake',
          idle.sweep.callsPerMinuteAndQueue.toFixed(1),
          idle.sweep.readUnitsPerMinuteAndQueue.toFixed(1),
        ],
        ['the sweep, apart from its queues', idle.sweep.callsPerMinute.toFixed(1), ''],
      ],
    ),
  );
  const { receives, listens, socketMessages, connections, readUnits, dollarsPerMonth } = listening;
  console.log('\nAn idle consumer that waits to be woken, in a day:\n');
  console.log(
    table(
      ['receives', 'listens', 'messages on the WebSocket', 'connections', 'read units', 'dollars a month'],
      [[receives, listens, socketMessages, connections, readUnits, against(dollarsPerMonth, listeningDollars, 3)]],
    ),
  );
  console.log('\nFunctions:\n');
  console.log(
    table(
      ['function', 'may load, bytes', 'loaded at start, bytes', 'load, ms'],
      functions.map(({ entry, bytes, startBytes, loadMs }) => [
        entry,
        bytes,
        against(startBytes, functionStartBytes, 0),
        against(loadMs, entry === 'api' ? apiColdStartMs : undefined, 0),
      ]),
    ),
  );
}

function printRows(rows: readonly SpeedRow[]): void {
  console.log(
    table(
      ['by', 'at a time', 'store', 'messages/s', 'client CPU, ms', 'queue CPU, ms', 'store CPU, ms'],
      rows.map(({ by, batch, store, messagesPerSecond, cpuMsPerMessage: cpu }) => [
        by,
        batch,
        store,
        Math.round(messagesPerSecond),
        milliseconds(cpu.client),
        milliseconds(cpu.queue),
        milliseconds(cpu.store),
      ]),
    ),
  );
  console.log();
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined || Number.isNaN(ms) ? '' : ms.toFixed(ms < 0.1 ? 3 : 2);
}
