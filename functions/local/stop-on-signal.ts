/** Waits for the end of a server as a program: a signal, the end of npm, or the death of its store. */

const signals = ['SIGINT', 'SIGTERM'] as const;
const parentCheckMs = 250;

export interface Stoppable {
  /** Resolves with the reason if the store can no longer be used. */
  died: Promise<string>;
  close(): Promise<void>;
}

/** Closes the server. A second signal, of either kind, ends the process at once. That loses nothing that was acknowledged to a caller. */
export async function stopOnSignal(server: Stoppable): Promise<void> {
  const signalled = new Promise<undefined>((resolve) => {
    const stop = () => {
      for (const signal of signals) process.off(signal, stop);
      resolve(undefined);
    };
    for (const signal of signals) process.on(signal, stop);
    if (process.env.npm_lifecycle_event !== undefined) onParentEnd(() => resolve(undefined));
  });
  const death = await Promise.race([signalled, server.died]);
  if (death !== undefined) {
    console.error(death);
    process.exitCode = 1;
  }
  await server.close();
}

/** A signal to npm ends the shell between npm and this process, but does not reach this process. So watch for a new parent process id. */
function onParentEnd(ended: () => void): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    ended();
  }, parentCheckMs);
  watch.unref();
}
