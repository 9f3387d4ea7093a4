/** Records each call, its times, and its answer. */

import type { InputOf, OutputOf, ParamsOf } from '../../../contract/contract.ts';
import { DumbwaiterError } from '../../../contract/errors.ts';
import type { Engine, QueueOperation } from '../../../engine/engine.ts';
import type { Call } from './history.ts';

export interface Recorder {
  calls: Call[];
  /** Makes the call. Returns undefined if it was refused. Any other error is a defect and is thrown. */
  call<Name extends QueueOperation>(
    by: { process: string; engine: Engine },
    operation: Name,
    params: ParamsOf<Name>,
    input: InputOf<Name>,
  ): Promise<OutputOf<Name> | undefined>;
}

export function createRecorder(now: () => number): Recorder {
  const calls: Call[] = [];
  return {
    calls,
    async call({ process, engine }, operation, params, input) {
      const call = { process, operation, params, input, startedAt: now(), endedAt: undefined, answer: { lost: true } } as Call;
      calls.push(call);
      try {
        const output = await engine.call(operation, params, input);
        call.answer = { output } as Call['answer'];
        call.endedAt = now();
        return output;
      } catch (error) {
        if (!(error instanceof DumbwaiterError)) throw error;
        call.answer = { refused: error.code, message: error.message };
        call.endedAt = now();
        return undefined;
      }
    },
  };
}
