/** `doctor`: whether the deployment can be reached and works, and what to do if not. */
import type { Command } from 'commander';
import type { ListedQueue, OwnKey } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { CommandFailure } from '../failure.ts';
import {
  clockFinding,
  type Finding,
  fail,
  keyFinding,
  ok,
  queueFindings,
  scheduleFindings,
  stackFinding,
  statusFindings,
  targetFindings,
  warn,
} from '../findings.ts';
import { startProgress } from '../progress.ts';
import { type Session, sessionOf } from '../session.ts';

const pageSize = 100;
const queuesMax = 1_000;
const callsAtOnce = 8;
const answerMsMax = 10_000;

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('checks the endpoint, clocks, the key, tables, the sweep, queues, targets and schedules; says what to do')
    .action(async (_: object, command: Command) => {
      const session = await sessionOf(command);
      const findings = await examine(session);
      session.printRows(findings, [
        { title: '', text: ({ level }) => level },
        { title: 'Check', text: ({ check }) => check },
        { title: 'Found', text: ({ text }) => text },
      ]);
      const failed = findings.filter(({ level }) => level === 'fail').length;
      if (failed > 0) throw new CommandFailure(`${failed} of ${findings.length} checks failed.`);
    });
}

async function examine(session: Session): Promise<Finding[]> {
  const { call } = session;
  const { stackStatus } = session;
  const stack = stackStatus === undefined ? [] : [stackFinding(stackStatus)];
  const reached = [...stack, ...(await reach(session.url))];
  if (reached.some(({ check, level }) => check === 'endpoint' && level === 'fail')) return reached;
  let key: OwnKey;
  try {
    key = await call('getOwnKey', {});
  } catch (error) {
    if (!(error instanceof DumbwaiterError)) throw error;
    return [...reached, fail('key', `${error.message} Create one with "keys create", or see "context add".`)];
  }
  return [
    ...reached,
    keyFinding(key, Date.now()),
    ...(await serverFindings(session, key)),
    ...(await examineQueues(session, key)),
  ];
}

async function reach(url: string): Promise<Finding[]> {
  const startedAt = Date.now();
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/v1/health`, { signal: AbortSignal.timeout(answerMsMax) });
    const answer = (await response.json().catch(() => undefined)) as { status?: unknown } | undefined;
    if (!response.ok || answer?.status !== 'ok') {
      return [fail('endpoint', `${url} answers ${response.status}, but is no Dumbwaiter. Is the URL right, with its path?`)];
    }
    const now = Date.now();
    return [ok('endpoint', `${url} answers in ${now - startedAt} ms`), clockFinding(response.headers.get('date'), now)];
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    return [fail('endpoint', `${url} cannot be reached: ${reason}. Is the URL right, and the server running?`)];
  }
}

const isAdministrator = ({ scopes, queues, topics }: OwnKey) =>
  scopes.includes('admin') && queues.includes('*') && topics.includes('*');

/** What needs a key that may do everything. */
async function serverFindings({ call }: Session, key: OwnKey): Promise<Finding[]> {
  if (!isAdministrator(key)) {
    return [
      warn('server', 'not checked: the version, tables, the sweep and schedules need an admin key for all queues and topics.'),
    ];
  }
  const schedules = await pagesOf(
    { limit: pageSize },
    (page) => call('listSchedules', {}, page),
    ({ schedules }) => schedules,
  ).all();
  const failing = schedules.flatMap(scheduleFindings);
  return [
    ...statusFindings(await call('getStatus', {})),
    ...(failing.length > 0 ? failing : [ok('schedules', `${schedules.length}, none of which fails`)]),
  ];
}

async function examineQueues({ call }: Session, key: OwnKey): Promise<Finding[]> {
  const queues: ListedQueue[] = [];
  const pages = pagesOf(
    { limit: pageSize, counts: true },
    (page) => call('listQueues', {}, page),
    ({ queues }) => queues,
  );
  for await (const queue of pages) if (queues.push(queue) === queuesMax) break;
  const found = queues.flatMap(queueFindings);
  const progress = startProgress('queues examined', queues.length);
  for (let at = 0; key.scopes.includes('admin') && at < queues.length; at += callsAtOnce) {
    const some = queues.slice(at, at + callsAtOnce);
    const lists = await Promise.all(some.map(({ name }) => targetsOf(call, name)));
    found.push(...lists.flat().flatMap(targetFindings));
    progress.add(some.length);
  }
  progress.end();
  const number = `${queues.length}${queues.length === queuesMax ? ' or more, of which the first were examined' : ''}`;
  return [ok('queues', number), ...found];
}

/** None if the queue was deleted meanwhile, or if the key does not cover it. */
async function targetsOf(call: Session['call'], queue: string) {
  try {
    return (await call('listTargets', { queue })).targets;
  } catch (error) {
    if (error instanceof DumbwaiterError && ['queue_not_found', 'forbidden'].includes(error.code)) return [];
    throw error;
  }
}
