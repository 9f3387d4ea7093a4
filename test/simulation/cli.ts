/**
 * `npm run simulate -- --seed N --histories M | --minutes K`: runs histories and prints how often what happened. If one breaks a promise, it
 * shrinks the first, prints it, and prints the command that runs it again.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { drawPlan } from './plan/draw.ts';
import { missing } from './report/coverage.ts';
import { printOutcome } from './report/print.ts';
import { shrink } from './report/shrink.ts';
import { runMany } from './run/many.ts';
import { runPlan } from './run/run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    histories: { type: 'string' },
    minutes: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    /** Prints the history of one seed without shrinking it. */
    show: { type: 'boolean', default: false },
  },
});

const historiesDefault = 1000;
const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : whole('seed', values.seed);
const startedAt = Date.now();

if (values.show) {
  console.log(printOutcome(await runPlan(drawPlan(seed))));
} else {
  const asked = values.histories ?? (values.seed !== undefined && values.minutes === undefined ? '1' : undefined);
  const until = values.minutes === undefined ? {} : { until: startedAt + whole('minutes', values.minutes) * 60_000 };
  const limited = asked !== undefined || values.minutes === undefined;
  const histories = limited ? { histories: asked === undefined ? historiesDefault : whole('histories', asked) } : {};
  const tally = await runMany({ seed, threads: whole('threads', values.threads), ...until, ...histories });
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  for (const [what, times] of Object.entries(tally.counts).sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${what.padEnd(32)}${times.toLocaleString('en').padStart(14)}`);
  }
  console.log(
    `\n${tally.histories.toLocaleString('en')} histories from seed ${seed} in ${seconds} s; broken: ${tally.failures.length}`,
  );
  const absent = missing(tally.counts, tally.histories);
  for (const what of absent) console.error(`never happened: ${what}`);
  for (const failure of tally.failures.slice(0, 20)) console.error(`seed ${failure.seed} breaks ${failure.promises.join(', ')}`);
  const [first] = tally.failures;
  if (first) await explain(first.seed, first.promises[0]!);
  process.exitCode = first || absent.length > 0 ? 1 : 0;
}

async function explain(failing: number, promise: string): Promise<void> {
  const plan = drawPlan(failing);
  const small = await shrink(plan, async (candidate) =>
    (await runPlan(candidate)).violations.some((violation) => violation.promise === promise),
  );
  console.error(`\n${printOutcome(await runPlan(small))}`);
  console.error(`\nThe processes of its plan: ${JSON.stringify(small.processes)}`);
  console.error(`\nTo run it again: npm run simulate -- --seed ${failing}`);
}

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0) return number;
  console.error(`--${name}: ${text} is not a whole number`);
  process.exit(2);
}
