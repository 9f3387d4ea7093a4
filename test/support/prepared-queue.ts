/** A queue `q` of prepared messages, and calls on it. */
import type { PreparedSettings, PublishEntry } from '../../contract/contract.ts';
import type { DrivenEngine } from './driven-engine.ts';

export const timeoutSeconds = 600;

export function preparedQueue(driven: () => DrivenEngine) {
  const callWith =
    (operation: 'commitMessage' | 'rollbackMessage' | 'cancelMessage', engine = driven().engine) =>
    (id: string, queue = 'q') =>
      engine.call(operation, { queue, id }, {});
  return {
    callWith,
    create: (more = {}, prepared: Partial<PreparedSettings> = {}) =>
      driven().create('q', { prepared: { timeoutSeconds, checkBack: null, ...prepared }, ...more }),
    prepare: async (...entries: PublishEntry[]) =>
      driven().publish('q', ...entries.map((entry) => ({ prepared: true, ...entry }))),
    commit: (id: string, queue?: string) => callWith('commitMessage')(id, queue),
    rollBack: (id: string, queue?: string) => callWith('rollbackMessage')(id, queue),
    get: (id: string, queue = 'q') => driven().engine.call('getMessage', { queue, id }, {}),
    bodies: () => driven().bodies('q'),
  };
}
