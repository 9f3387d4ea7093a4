/** The emulated account for all tests. Vitest's main process holds it, so that it ends with the run, whatever happens to the tests. */
import type { TestProject } from 'vitest/node';
import { type Account, startEmulator } from './emulator.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    account: Account;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { account, stop } = await startEmulator();
  project.provide('account', account);
  return stop;
}
