/** The next ticks of a schedule, in its own zone and here, once they are asked for. */
import { useState } from 'preact/hooks';
import type { Schedule } from '../../contract/contract.ts';
import { instantIn, instantText } from '../state/format.ts';
import { useLive } from '../state/live.ts';
import { useSession } from '../state/session.ts';
import { Problem } from './problem.tsx';

/** The key changes with each tick, so a reload a minute is enough: after an error, or while the sweep does not run. */
const pauseMs = 60_000;

export function NextTicks({ schedule }: { schedule: Schedule }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Next ticks</summary>
      {isOpen && <Ticks schedule={schedule} />}
    </details>
  );
}

function Ticks({ schedule: { name, nextAt, timeZone, updatedAt } }: { schedule: Schedule }) {
  const { call } = useSession();
  const { value, error } = useLive(
    `ticks ${name} ${nextAt} ${updatedAt}`,
    (signal) => call('getSchedule', { name }, {}, signal),
    pauseMs,
  );
  return (
    <>
      <Problem error={error} />
      <ul aria-label={`Next ticks of ${name}`}>
        {value?.nextTicks.map((tick) => (
          <li key={tick}>
            {instantText(tick)}
            {timeZone && <> ({instantIn(tick, timeZone)})</>}
          </li>
        ))}
      </ul>
    </>
  );
}
