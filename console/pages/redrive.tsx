/** Moving dead letters back: how many the filter selects, then a task with its progress. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { RedriveInput, RedriveTask } from '../../contract/contract.ts';
import { plural } from '../../contract/plural.ts';
import { isRedrivable } from '../../contract/redrivable.ts';
import { Form, numberOf, textOf } from '../parts/form.tsx';
import { MessageFilters } from '../parts/message-filters.tsx';
import { Problem } from '../parts/problem.tsx';
import { messageFilterOf, useFilters } from '../state/filters.ts';
import { countText } from '../state/format.ts';
import { useLive } from '../state/live.ts';
import { count } from '../state/scan.ts';
import { useSession } from '../state/session.ts';

interface Started {
  id: string;
  /** How many dead letters the filters selected when they were counted. */
  counted: number | undefined;
}

export function RedriveTab({ queue }: { queue: string }) {
  const session = useSession();
  const [filters, change] = useFilters();
  const key = JSON.stringify(filters);
  const [task, setTask] = useState<Started>();
  const [counted, setCounted] = useState<{ key: string; found: number }>();
  const [progress, setProgress] = useState<string>();
  const [isDryRun, setDryRun] = useState(true);
  const counting = useMemo(() => new AbortController(), []);
  useEffect(() => () => counting.abort(), []);
  const submit = async (fields: FormData) => {
    const toQueue = textOf(fields, 'toQueue');
    const ratePerSecond = numberOf(fields, 'rate');
    if (isDryRun) {
      const found = await count(
        session,
        queue,
        // An address may have a state, which a redrive does not take.
        { ...filters, state: '' },
        {
          isWanted: (message) => isRedrivable(message, toQueue),
          signal: counting.signal,
          onPage: (found, examined) => setProgress(`${countText(found)} found, ${countText(examined)} examined`),
        },
      ).finally(() => setProgress(undefined));
      setCounted({ key, found });
      return `${countText(found)} ${plural(found, 'dead letter')} would be moved.`;
    }
    const input: RedriveInput = {
      ...messageFilterOf(filters),
      ...(toQueue && { toQueue }),
      ...(ratePerSecond && { ratePerSecond }),
    };
    const { id } = await session.call('redrive', { queue }, input);
    setTask({ id, counted: counted?.key === key ? counted.found : undefined });
    return undefined;
  };
  return (
    <section aria-label="Redrive">
      <MessageFilters filters={filters} change={change} hasState={false} />
      <Form button={isDryRun ? 'Count' : 'Redrive'} submit={submit}>
        <div class="grid">
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
          <input type="checkbox" checked={isDryRun} onChange={() => setDryRun(!isDryRun)} />
          Only count
        </label>
        {progress && <p role="status">{progress}</p>}
      </Form>
      {task !== undefined && <Task queue={queue} task={task.id} counted={task.counted} />}
    </section>
  );
}

function Task({ queue, task, counted }: { queue: string; task: string; counted: number | undefined }) {
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
          <progress aria-label="Redrive in progress" {...(counted && { max: counted, value: value.moved })} />
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
