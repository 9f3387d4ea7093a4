/** Moving dead letters back: how many the filter selects, then a task with its progress. */
import { useState } from 'preact/hooks';
import type { DeathReason, RedriveInput, RedriveTask } from '../../contract/contract.ts';
import { Form, numberOf, textOf } from '../parts/form.tsx';
import { Problem } from '../parts/problem.tsx';
import { countText } from '../state/format.ts';
import { useLive } from '../state/live.ts';
import { scan } from '../state/scan.ts';
import { useSession } from '../state/session.ts';

const reasons: readonly DeathReason[] = ['max_receives', 'expired', 'rejected', 'unreadable'];

export function RedriveTab({ queue }: { queue: string }) {
  const session = useSession();
  const [task, setTask] = useState<string>();
  const submit = async (fields: FormData) => {
    const reason = textOf(fields, 'reason') as DeathReason | undefined;
    const toQueue = textOf(fields, 'toQueue');
    const ratePerSecond = numberOf(fields, 'rate');
    if (fields.get('dryRun')) {
      const { signal } = new AbortController();
      const found = await scan(
        session,
        queue,
        { state: 'dead', ...(reason && { reason }) },
        { want: Number.POSITIVE_INFINITY, signal },
      );
      return `${countText(found.messages.length)} dead letters would be moved.`;
    }
    const input: RedriveInput = {
      ...(reason && { reason }),
      ...(toQueue && { toQueue }),
      ...(ratePerSecond && { ratePerSecond }),
    };
    setTask((await session.call('redrive', { queue }, input)).id);
    return undefined;
  };
  return (
    <section aria-label="Redrive">
      <Form button="Go" submit={submit}>
        <div class="grid">
          <label>
            Reason of death
            <select name="reason">
              <option value="">all</option>
              {reasons.map((reason) => (
                <option key={reason}>{reason}</option>
              ))}
            </select>
          </label>
          <label>
            To the queue
            <input name="toQueue" placeholder="where each died" />
          </label>
          <label>
            Messages a second
            <input name="rate" type="number" min="1" placeholder="as many as possible" />
          </label>
        </div>
        <label>
          <input name="dryRun" type="checkbox" defaultChecked />
          Only count
        </label>
      </Form>
      {task !== undefined && <Task queue={queue} task={task} />}
    </section>
  );
}

function Task({ queue, task }: { queue: string; task: string }) {
  const { call } = useSession();
  const { value, error, reload } = useLive(`redrive ${queue} ${task}`, (signal) =>
    call('getRedrive', { queue, task }, {}, signal),
  );
  if (!value) return <Problem error={error} />;
  return (
    <article aria-label="Redrive task">
      <p role="status">
        {stateText(value)}: {countText(value.moved)} moved, {countText(value.skipped)} skipped
      </p>
      {value.state === 'running' && (
        <>
          <progress aria-label="Redrive in progress" />
          <button
            type="button"
            class="secondary"
            onClick={async () => {
              await call('cancelRedrive', { queue, task });
              await reload();
            }}
          >
            Stop
          </button>
        </>
      )}
      {value.error && <p role="alert">{value.error}</p>}
    </article>
  );
}

function stateText({ state }: RedriveTask): string {
  return state === 'running' ? 'Moving' : state[0]!.toUpperCase() + state.slice(1);
}
