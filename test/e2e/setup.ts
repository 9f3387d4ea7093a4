/** The emulated account for all tests, bootstrapped. Vitest's main process holds it, so that it ends with the run, whatever happens to the tests. */
import type { TestProject } from 'vitest/node';
import { bootstrap } from './deployment.ts';
import { type Account, startEmulator } from './emulator.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    account: Account;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { account, stop } = await startEmulator();
  try {
    await bootstrap(account);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('account', account);
  return stop;
}
