/** Prints a history: calls and faults in order of time. */
import type { Call } from '../run/history.ts';
import type { Outcome } from '../run/run.ts';

const textCharsMax = 80;

export function printOutcome({ plan, history, violations, faults }: Outcome): string {
  const start = history.calls[0]?.startedAt ?? 0;
  const at = (ms: number | undefined) => (ms === undefined ? '…' : `+${((ms - start) / 1000).toFixed(3)}`);
  const lines: { at: number; text: string }[] = [
    ...faults.map((fault) => ({ at: fault.at, text: `${at(fault.at)} ${fault.process} has the fault ${fault.fault}` })),
    ...history.calls.map((call) => ({
      at: call.startedAt,
      text: `${at(call.startedAt)} ${call.process} ${called(call)} → ${at(call.endedAt)} ${answered(call)}`,
    })),
  ];
  const broken = violations.flatMap(({ promise, text, calls }) => [
    `${promise}: ${text}`,
    ...calls.map((call) => `  by ${at(call.startedAt)} ${call.process} ${called(call)} → ${at(call.endedAt)} ${answered(call)}`),
  ]);
  const queues = plan.queues.map(({ name, shards, settings }) => `queue ${name}, ${shards} shards: ${JSON.stringify(settings)}`);
  return [...queues, ...lines.sort((a, b) => a.at - b.at).map(({ text }) => text), ...broken].join('\n');
}

function called({ operation, params, input }: Call): string {
  const where = Object.values(params).join(' ');
  return `${operation} ${where} ${brief(input)}`;
}

function answered({ answer }: Call): string {
  if ('lost' in answer) return 'no answer';
  if ('refused' in answer) return `refused: ${answer.refused}`;
  return brief(answer.output);
}

function brief(value: unknown): string {
  if (typeof value === 'string') return value.length <= textCharsMax ? value : `${value.slice(0, textCharsMax)}…`;
  if (Array.isArray(value)) return `[${value.map(brief).join(', ')}]`;
  if (value === null || typeof value !== 'object') return String(value);
  return `{${Object.entries(value)
    .map(([name, part]) => `${name}: ${brief(part)}`)
    .join(', ')}}`;
}
