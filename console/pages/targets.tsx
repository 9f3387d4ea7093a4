/** The targets of a queue: to which functions and URLs its messages are pushed, and how that goes. */

import type { Target, TargetInput } from '../../contract/contract.ts';
import { Problem } from '../parts/problem.tsx';
import { fromNow } from '../state/format.ts';
import { useLive } from '../state/live.ts';
import { notify } from '../state/notices.ts';
import { useSession } from '../state/session.ts';

export function TargetsTab({ queue }: { queue: string }) {
  const { call } = useSession();
  const { value, error, reload } = useLive(`targets ${queue}`, (signal) => call('listTargets', { queue }, {}, signal));
  return (
    <section aria-label="Targets">
      <Problem error={error} />
      {value?.targets.length === 0 && <p>Nothing is pushed: consumers receive the messages of this queue.</p>}
      {value?.targets.map((target) => (
        <article key={target.name}>
          <h3>
            {target.name} <mark>{target.state}</mark>
          </h3>
          <p>{target.url ?? target.functionName}</p>
          {target.lastError && (
            <p role="alert">
              {target.failures} failures in a row, the last {fromNow(target.lastError.at)}: {target.lastError.message}
            </p>
          )}
          {target.nextTryAt && <p>It is tried again {fromNow(target.nextTryAt)}.</p>}
          <button
            type="button"
            class="secondary"
            onClick={async () => {
              const isPaused = target.state === 'paused';
              const pause = (paused: boolean) => call('putTarget', { queue, target: target.name }, inputOf(target, paused));
              await pause(!isPaused);
              notify({ text: `${isPaused ? 'Resumed' : 'Paused'} ${target.name}.`, undo: () => pause(isPaused) });
              await reload();
            }}
          >
            {target.state === 'paused' ? 'Resume' : 'Pause'}
          </button>
        </article>
      ))}
    </section>
  );
}

function inputOf(target: Target, paused: boolean): TargetInput {
  const { functionName, url, batchSize, maxBatchingWindowSeconds, maxConcurrency, reportBatchItemFailures } = target;
  const ofFunction = { batchSize, maxBatchingWindowSeconds, reportBatchItemFailures };
  const ofUrl = { format: target.format ?? 'json', timeoutSeconds: target.timeoutSeconds ?? 10 };
  return { ...(url === null ? { functionName: functionName!, ...ofFunction } : { url, ...ofUrl }), maxConcurrency, paused };
}
