/** Times and processor times. Other work on the machine disturbs them, so each is taken several times, and the median counts. */
import { readdirSync, readFileSync } from 'node:fs';

/** Jiffies of /proc are hundredths of a second on Linux: `getconf CLK_TCK`. */
const jiffyMs = 10;

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Processor time that this process has used, ms. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Of another process, ms; NaN where the system has no /proc. */
export function cpuMsOf(pid: number | undefined): number {
  if (pid === undefined) return Number.NaN;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * jiffyMs;
}

/** The process that serves DynamoDB at this endpoint, where it is the embedded engine and the system has a /proc. */
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

/** Processes come and go while they are listed. */
function commandLineOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** `flows` loops side by side, until `next` says that there is nothing left. */
export async function sideBySide(flows: number, next: () => (() => Promise<void>) | undefined): Promise<void> {
  await Promise.all(
    Array.from({ length: flows }, async () => {
      for (let step = next(); step; step = next()) await step();
    }),
  );
}
