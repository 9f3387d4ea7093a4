/** What every command works with: the deployment that the options name, calls to it, and how to print. */
import type { Command } from 'commander';
import type { InputOf, OperationName, OutputOf, ParamsOf } from '../contract/contract.ts';
import { textAsJson } from '../contract/json-text.ts';
import { writeJson } from '../contract/json-values.ts';
import { Caller, retriesDefault } from '../sdk/calls/caller.ts';
import { hostTimers } from '../sdk/calls/timers.ts';
import { httpTransport } from '../sdk/transports/http.ts';
import { type Deployment, readContexts } from './contexts.ts';
import { CommandFailure } from './failure.ts';
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
  /** Prints rows: a line of JSON for each with `--json`, otherwise a table. */
  printRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void;
}

const patient = { timeoutMs: 60_000, retries: retriesDefault };

/** `patience`: of each call. Throws CommandFailure if no deployment is named. */
export async function sessionOf(command: Command, patience = patient): Promise<Session> {
  const { url, apiKey, stackStatus } = await deploymentOf(command);
  const caller = new Caller(httpTransport({ url, apiKey }), hostTimers, patience, (text) => textAsJson(text) as never);
  return {
    url,
    ...(stackStatus !== undefined && { stackStatus }),
    call: (operation, params, input) => caller.call(operation, params, (input ?? {}) as never),
    ...printerOf(command),
  };
}

/** Throws TypeError if no call could use the URL or the key. */
export function checkDeployment(deployment: Deployment): void {
  httpTransport(deployment);
}

export function printerOf(command: Command): Pick<Session, 'isJson' | 'print' | 'printRows'> {
  const isJson = command.optsWithGlobals<GlobalOptions>().json === true;
  return {
    isJson,
    print: (value, text) => console.log(isJson ? writeJson(value) : text),
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
    throw new CommandFailure('Give both a URL and a key: --url and --api-key, or DUMBWAITER_URL and DUMBWAITER_API_KEY.');
  }
  const { current, deployments } = await readContexts();
  const name = context ?? current;
  const found = name === undefined ? undefined : deployments[name];
  if (found) return 'stack' in found ? deploymentOfStack(found) : found;
  if (context !== undefined) throw new CommandFailure(`There is no context "${context}"; "context list" shows all.`);
  throw new CommandFailure(
    'Name the deployment: by --url and --api-key, by DUMBWAITER_URL and DUMBWAITER_API_KEY, or by "context add".',
  );
}
