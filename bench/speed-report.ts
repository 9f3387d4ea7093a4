/** Prints the results of `speed.ts` as tables. */
import type { ColdStart } from './cold-start.ts';
import type { IdleCost } from './idle.ts';
import type { CallCost, RawCalls } from './raw-calls.ts';
import { against, table } from './table.ts';
import { apiBundleBytes, apiColdStartMs, shareOfRaw } from './targets.ts';

export interface SpeedRow {
  by: 'in process' | 'HTTP';
  step: 'publish' | 'receiveAndAck';
  /** Messages per call. */
  batch: number;
  messagesPerSecond: number;
  /** Messages per second times DynamoDB calls per message, as a share of raw calls per second. */
  shareOfRaw: number;
  /** CPU time of as many raw calls as a message needs, as a share of the queue's CPU time per message. Less affected by other work. */
  shareByCpu: number;
  /** CPU time per process: `client` (only over HTTP), `queue` and `dynamodb`. */
  cpuMsPerMessage: Record<string, number>;
}

export interface SpeedReport {
  raw: RawCalls;
  rows: SpeedRow[];
  calls: { sdk: CallCost; own: CallCost };
  idle: IdleCost;
  functions: ColdStart[];
}

export function printSpeed({ raw, rows, calls, idle, functions }: SpeedReport): void {
  console.log(
    `The client alone makes ${Math.round(raw.callsPerSecond)} calls a second, for ${milliseconds(raw.cpuMsPerCall)} ms of CPU each.\n`,
  );
  console.log(
    table(
      [
        'by',
        'step',
        'at a time',
        'messages/s',
        'share of raw',
        'by CPU',
        'client CPU, ms each',
        'queue CPU, ms each',
        'DynamoDB CPU, ms each',
      ],
      rows.map((row) => [
        row.by,
        row.step === 'publish' ? 'publish' : 'receive, ack',
        row.batch,
        Math.round(row.messagesPerSecond),
        against(row.shareOfRaw, row.by === 'in process' ? shareOfRaw : undefined, 2),
        row.by === 'in process' ? row.shareByCpu.toFixed(2) : '',
        milliseconds(row.cpuMsPerMessage.client),
        milliseconds(row.cpuMsPerMessage.queue),
        milliseconds(row.cpuMsPerMessage.dynamodb),
      ]),
    ),
  );
  console.log('\nOne GetItem after another:\n');
  console.log(
    table(
      ['call', 'CPU, ms', 'time, ms'],
      [
        ['by the AWS SDK', milliseconds(calls.sdk.cpuMs), milliseconds(calls.sdk.wallMs)],
        ['by the own client', milliseconds(calls.own.cpuMs), milliseconds(calls.own.wallMs)],
      ],
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
        ['the sweep, each queue', idle.sweep.callsPerMinuteAndQueue.toFixed(1), idle.sweep.readUnitsPerMinuteAndQueue.toFixed(1)],
        ['the sweep, apart from its queues', idle.sweep.callsPerMinute.toFixed(1), ''],
      ],
    ),
  );
  console.log('\nFunctions:\n');
  console.log(
    table(
      ['function', 'bundle, bytes', 'loaded at start, bytes', 'load, ms'],
      functions.map(({ entry, bytes, startBytes, loadMs }) => [
        entry,
        against(bytes, entry === 'api' ? apiBundleBytes : undefined, 0),
        startBytes,
        against(loadMs, entry === 'api' ? apiColdStartMs : undefined, 0),
      ]),
    ),
  );
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined || Number.isNaN(ms) ? '' : ms.toFixed(2);
}
