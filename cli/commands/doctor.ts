/** `doctor`: whether the deployment can be reached and works, and what to do if not. */
import type { Command } from 'commander';
import { DumbwaiterError } from '../../contract/errors.ts';
import { CommandFailure } from '../failure.ts';
import { type Session, sessionOf } from '../session.ts';

interface Finding {
  check: string;
  isGood: boolean;
  /** What was found; if it is not good, what to do. */
  text: string;
}

const oldSeconds = 3_600;

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('checks the endpoint, the key and the queues, and says what to do')
    .action(async (_: object, command: Command) => {
      const session = await sessionOf(command);
      const findings = await examine(session);
      session.printRows(findings, [
        { title: '', text: ({ isGood }) => (isGood ? 'ok' : 'NOT OK') },
        { title: 'Check', text: ({ check }) => check },
        { title: 'Found', text: ({ text }) => text },
      ]);
      if (findings.some(({ isGood }) => !isGood)) throw new CommandFailure('Not everything is well.');
    });
}

async function examine({ call }: Session): Promise<Finding[]> {
  const startedAt = Date.now();
  try {
    await call('health', {});
  } catch (error) {
    return [bad('endpoint', `${(error as Error).message}. Is the URL right, and the server running?`)];
  }
  const found = [good('endpoint', `answers in ${Date.now() - startedAt} ms`)];
  try {
    const { id, scopes, queues } = await call('getOwnKey', {});
    found.push(good('key', `${id}: ${scopes.join(', ')} on ${queues.join(', ')}`));
  } catch (error) {
    if (!(error instanceof DumbwaiterError)) throw error;
    return [...found, bad('key', `${error.message} Create one with "keys create", or see "context add".`)];
  }
  const { queues, cursor } = await call('listQueues', {}, { limit: 100, counts: true });
  found.push(good('queues', `${queues.length}${cursor === undefined ? '' : ' and more'}`));
  for (const { name, counts, paused } of queues) {
    if (counts && counts.dead > 0) found.push(bad(name, `${counts.dead} dead letters: see "dead list ${name}"`));
    if (paused) found.push(bad(name, `is paused: "queue resume ${name}" lets it deliver`));
    const isOld = counts && counts.ready > 0 && (counts.oldestAgeSeconds ?? 0) > oldSeconds;
    if (isOld && !paused) found.push(bad(name, 'its oldest message waits for more than an hour: does a consumer run?'));
  }
  return found;
}

const good = (check: string, text: string): Finding => ({ check, isGood: true, text });
const bad = (check: string, text: string): Finding => ({ check, isGood: false, text });
