/** What every command works with: the deployment that the options name, calls to it, and how to print. */
import type { Command } from 'commander';
import type { InputOf, OperationName, OutputOf, ParamsOf, Transport } from '../contract/contract.ts';
import { textAsJson } from '../contract/json-text.ts';
import { writeJson } from '../contract/json-values.ts';
import { Caller, retriesDefault } from '../sdk/calls/caller.ts';
import { hostTimers } from '../sdk/calls/timers.ts';
import { httpTransport } from '../sdk/transports/http.ts';
import { contextNamed, type Deployment, readContexts } from './contexts.ts';
import { UsageError } from './failure.ts';
import { indented } from './indented.ts';
import { deploymentOfStack } from './stack.ts';
import { type Column, tableOf } from './table.ts';

export interface GlobalOptions {
  url?: string;
  apiKey?: string;
  context?: string;
  json?: true;
}

export interface Session {
  url: string;
  /** Of a deployment that is named by its stack. */
  stackStatus?: string;
  /** Bodies, attributes and results are JsonText: exactly as they were sent. Throws DumbwaiterError. */
  call<Name extends OperationName>(operation: Name, params: ParamsOf<Name>, input?: InputOf<Name>): Promise<OutputOf<Name>>;
  isJson: boolean;
  /** Prints one value: as JSON with `--json`, otherwise as the given text. */
  print(value: unknown, text: string): void;
  /** Prints one value as JSON: indented in a terminal, in one line elsewhere and with `--json`. */
  printJson(value: unknown): void;
  /** Prints rows: a line of JSON for each with `--json`, otherwise a table. */
  printRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void;
}

const patient = { timeoutMs: 60_000, retries: retriesDefault };

/** `patience`: of each call. Throws UsageError if no deployment is named. */
export async function sessionOf(command: Command, patience = patient): Promise<Session> {
  const { url, apiKey, stackStatus } = await deploymentOf(command);
  const caller = new Caller(transportOf({ url, apiKey }), hostTimers, patience, (text) => textAsJson(text) as never);
  return {
    url,
    ...(stackStatus !== undefined && { stackStatus }),
    call: (operation, params, input) => caller.call(operation, params, (input ?? {}) as never),
    ...printerOf(command),
  };
}

/** Throws UsageError if no call could use the URL or the key. */
export function transportOf(deployment: Deployment): Transport {
  try {
    return httpTransport(deployment);
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

export function printerOf(command: Command): Pick<Session, 'isJson' | 'print' | 'printJson' | 'printRows'> {
  const isJson = command.optsWithGlobals<GlobalOptions>().json === true;
  return {
    isJson,
    print: (value, text) => console.log(isJson ? writeJson(value) : text),
    printJson(value) {
      const text = writeJson(value);
      console.log(process.stdout.isTTY && !isJson ? indented(text) : text);
    },
    printRows(rows, columns) {
      if (isJson) for (const row of rows) console.log(writeJson(row));
      else console.log(tableOf(rows, columns));
    },
  };
}

/** A key is never sent to another URL than the one that it was named with. */
async function deploymentOf(command: Command): Promise<Deployment & { stackStatus?: string }> {
  const { context, ...given } = command.optsWithGlobals<GlobalOptions>();
  // A context on the command line counts before the environment.
  const { url, apiKey } = context === undefined ? given : {};
  if (url !== undefined && apiKey !== undefined) return { url, apiKey };
  if (url !== undefined || apiKey !== undefined) {
    throw new UsageError('Give both a URL and a key: --url and --api-key, or DUMBWAITER_URL and DUMBWAITER_API_KEY.');
  }
  const contexts = await readContexts();
  const name = context ?? contexts.current;
  if (name !== undefined) {
    const found = contextNamed(contexts, name);
    return 'stack' in found ? deploymentOfStack(found) : found;
  }
  throw new UsageError(
    'Name the deployment: by --url and --api-key, by DUMBWAITER_URL and DUMBWAITER_API_KEY, or by "context add".',
  );
}
