/**
 * Computes when cron expressions fall due, with croner (no dependencies, MIT). The package is loaded on first use, so that
 * other calls do not wait for it. Clock changes (DST) follow Vixie cron. With fixed minutes and hours, a skipped time falls due
 * at the first instant after the gap; a repeated time falls due once, the first time. With `*` or `/` in minutes or hours, the
 * schedule follows the wall clock: skipped times are left out and repeated times are due twice.
 */
import type { Cron } from 'croner';
import { invalidInput } from '../../contract/errors.ts';
import type { Recurrence } from './ticks.ts';

/** Throws DumbwaiterError `invalid_input`, naming `cron` or `timeZone`. */
export async function cronTiming(cron: string, timeZone: string): Promise<Recurrence> {
  return parseCron(await import('croner'), cron, timeZone);
}

/** The same, with the package that the caller loaded. */
export function parseCron({ Cron }: Pick<typeof import('croner'), 'Cron'>, cron: string, timeZone: string): Recurrence {
  let parsed: Cron;
  try {
    parsed = new Cron(cron, { timezone: timeZone, paused: true, mode: '5-part', fixedTimeRule: 'no-wildcard' });
  } catch (error) {
    const [, said] = /^(?:CronPattern: )?(.*)$/s.exec(error instanceof Error ? error.message : String(error))!;
    throw invalidInput(`cron: cannot be read, was ${JSON.stringify(cron)}: ${said}`);
  }
  const checked = <T>(run: () => T): T => {
    try {
      return run();
    } catch (error) {
      // The set of time zones depends on the runtime, so a zone that was valid when the schedule was stored may be unknown here.
      throw invalidInput(`timeZone: is unknown, was ${JSON.stringify(timeZone)}`, {
        cause: error,
      });
    }
  };
  return {
    next: (after) => checked(() => parsed.nextRun(new Date(after))?.getTime()),
    // croner returns runs strictly before the given instant, so add 1 ms to include `until`.
    last: (until) => checked(() => parsed.previousRuns(1, new Date(until + 1))[0]?.getTime()),
  };
}
