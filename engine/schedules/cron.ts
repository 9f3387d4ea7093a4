/**
 * When cron expressions fall due, by way of croner (no dependency, MIT). It is loaded when a schedule asks for it: no other call waits for that.
 *
 * Where clocks are set forward, a time of day that is skipped falls due at the first instant after the gap; where they are set back, a
 * time of day that comes twice falls due once, the first time. That is for expressions whose minutes and hours are fixed; with `*`
 * or `/` in them they follow the clock on the wall: skipped times are left out, and times that come twice are due twice (Vixie cron's rule).
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Recurrence } from './ticks.ts';

/** Throws DumbwaiterError `invalid_input`, naming `cron` or `timeZone`. */
export async function cronTiming(cron: string, timeZone: string): Promise<Recurrence> {
  const { Cron } = await import('croner');
  let parsed: InstanceType<typeof Cron>;
  try {
    parsed = new Cron(cron, { timezone: timeZone, paused: true, mode: '5-part', fixedTimeRule: 'no-wildcard' });
  } catch (error) {
    const [, said] = /^(?:CronPattern: )?(.*)$/s.exec(error instanceof Error ? error.message : String(error))!;
    throw new DumbwaiterError('invalid_input', `cron: cannot be read, was ${JSON.stringify(cron)}: ${said}`);
  }
  const judged = <T>(run: () => T): T => {
    try {
      return run();
    } catch (error) {
      // Which zones there are is known to the process that runs, not to the row.
      throw new DumbwaiterError('invalid_input', `timeZone: is not known here, was ${JSON.stringify(timeZone)}`, {
        cause: error,
      });
    }
  };
  return {
    next: (after) => judged(() => parsed.nextRun(new Date(after))?.getTime()),
    // Its own answer lies before what it is asked.
    last: (until) => judged(() => parsed.previousRuns(1, new Date(until + 1))[0]?.getTime()),
  };
}
