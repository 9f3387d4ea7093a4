import { describe, expect, it } from 'vitest';
import { DumbwaiterError } from '../../../contract/errors.ts';
import { refusalOf } from '../../../functions/errors/refusal.ts';
import { createServerLog, type ServerLogOptions } from '../../../functions/local/log.ts';

function logging(options: Partial<ServerLogOptions>) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = createServerLog({ service: 'dumbwaiter-serve', isTerminal: false, calls: true, write, ...options });
  return { log, lines };
}
const named = { operation: 'publish', queue: 'orders', topic: undefined };

describe('the log of a server', () => {
  it('in a terminal, an entry is one readable line with its time, its level if it is a warning, and its fields', () => {
    const { log, lines } = logging({ isTerminal: true });
    log.info('Answered', { queue: 'orders', code: undefined, status: 200 });
    log.warn('Unavailable', { queue: 'orders' });
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\S+Z Answered queue=orders status=200$/);
    expect(lines[1]).toMatch(/^\S+Z WARN Unavailable queue=orders$/);
  });

  it('in a terminal, an error is shown with its stack', () => {
    const { log, lines } = logging({ isTerminal: true });
    log.error('Defect', { queue: 'orders' }, new Error('broken'));
    expect(lines[0]).toMatch(/^\S+Z ERROR Defect queue=orders\nError: broken\n\s+at /);
  });

  it('elsewhere, an entry is one line of JSON with the fields of the functions', () => {
    const { log, lines } = logging({});
    log.error('Defect', { queue: 'orders' }, new Error('broken', { cause: 'why' }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('\n');
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'ERROR',
      message: 'Defect',
      timestamp: expect.any(String),
      service: 'dumbwaiter-serve',
      queue: 'orders',
      error: { name: 'Error', message: 'broken', stack: expect.any(String), cause: 'why' },
    });
  });

  it('a server that does not log calls logs warnings and errors only', () => {
    const { log, lines } = logging({ calls: false });
    log.info('Answered', {});
    log.warn('Unavailable', {});
    expect(lines).toHaveLength(1);
  });

  it.each([
    [new Error('a defect'), { kind: 'defect', code: 'internal' }],
    [new DumbwaiterError('unavailable', 'busy'), { kind: 'unavailable', code: 'unavailable' }],
  ])('the line of an answer with 5xx names the queue and the code: %s', (error, fields) => {
    const { log, lines } = logging({});
    refusalOf(error, 'request-1', log, named);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { requestId: 'request-1', operation: 'publish', queue: 'orders', ...fields },
    ]);
  });
});
