/** A progress bar on standard error, for work that takes longer than a second. Nothing where that is no terminal. */
import { SingleBar } from 'cli-progress';

const showAfterMs = 1_000;

export interface Progress {
  add(count: number): void;
  end(): void;
}

/** `total`: how many there are. Undefined: not known; then only the count and the rate are shown. */
export function startProgress(
  what: string,
  total: number | undefined,
  stream: NodeJS.WriteStream = process.stderr,
  now: () => number = Date.now,
): Progress {
  const format =
    total === undefined
      ? `{value} ${what}, {rate} a second`
      : `{bar} {value}/{total} ${what}, {rate} a second, {eta_formatted} left`;
  const bar = new SingleBar({ format, stream, clearOnComplete: true, hideCursor: true });
  const startedAt = now();
  let done = 0;
  let isShown = false;
  return {
    add(count) {
      done += count;
      const seconds = (now() - startedAt) / 1000;
      const rate = Math.round(done / Math.max(seconds, 0.001));
      if (!isShown && stream.isTTY && seconds * 1000 > showAfterMs) {
        bar.start(total ?? 0, done, { rate });
        isShown = true;
      } else if (isShown) bar.update(done, { rate });
    },
    end: () => bar.stop(),
  };
}

/** For a command that prints a line for each of them: in a terminal, these lines show the progress. */
export function startProgressOfLines(what: string, total: number | undefined): Progress {
  return process.stdout.isTTY ? { add: () => undefined, end: () => undefined } : startProgress(what, total);
}
