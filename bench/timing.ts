/** Measures time and CPU time. Other work on the machine disturbs both, so measure several times and use the median. */
import { readdirSync, readFileSync } from 'node:fs';

/** A jiffy of /proc is a hundredth of a second on Linux: `getconf CLK_TCK`. */
const jiffyMs = 10;

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Values of one shape as one value: the median of each number, and everything else of the first. */
export function mediansOf<Value>(values: readonly Value[]): Value {
  const first = values[0]!;
  if (typeof first === 'number') return median(values as readonly number[]) as Value;
  if (typeof first !== 'object') return first;
  const names = Object.keys(first) as (keyof Value)[];
  return Object.fromEntries(names.map((name) => [name, mediansOf(values.map((value) => value[name]))])) as Value;
}

/** CPU time that this process has used, in ms. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** CPU time that another process has used, in ms. NaN if its id is unknown, as on systems without /proc. */
export function cpuMsOf(pid: number | undefined): number {
  if (pid === undefined) return Number.NaN;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * jiffyMs;
}

/** The id of the embedded engine's process that serves this endpoint. Undefined for other engines and on systems without /proc. */
export function enginePidOf(endpoint: string): number | undefined {
  const { port } = new URL(endpoint);
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .find((pid) => {
        const [binary = '', ...parameters] = commandLineOf(pid);
        return binary.endsWith('/dynoxide') && parameters.includes(port);
      });
  } catch {
    return undefined;
  }
}

/** Returns an empty list if the process has ended since it was listed. */
function commandLineOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Runs `concurrency` loops side by side until `next` returns undefined. */
export async function runConcurrently(concurrency: number, next: () => (() => Promise<void>) | undefined): Promise<void> {
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let step = next(); step; step = next()) await step();
    }),
  );
}
