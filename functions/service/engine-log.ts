/** Logs the engine's events. The metric filters in `infra/queue-metrics.ts` match on `kind`: change both together. */
import type { EngineEvent } from '../../engine/engine.ts';
import type { Log } from './log.ts';

const messages = {
  dead_lettered: 'Dead-lettered',
  expired: 'Expired',
  anomaly: 'Anomaly',
  schedule_failed: 'Schedule failed',
  rolled_back: 'Rolled back',
  unavailable: 'Unavailable',
} as const;

export function logEngineEvents(log: Log): (event: EngineEvent) => void {
  return (event) => {
    if (event.kind === 'anomaly') log.error(messages.anomaly, { ...event });
    else if (event.kind === 'schedule_failed' || event.kind === 'unavailable') log.warn(messages[event.kind], { ...event });
    else log.info(messages[event.kind], { ...event });
  };
}
