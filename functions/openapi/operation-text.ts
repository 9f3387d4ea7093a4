/** The type of the OpenAPI texts of an operation. `refusals`: error codes beyond those of every operation. */
import type { InputOf, OperationName, OutputOf } from '../../contract/contract.ts';
import type { ErrorCode } from '../../contract/errors.ts';

export type OperationTextsOf<Names extends OperationName> = {
  [Name in Names]: {
    tag: 'queues' | 'messages' | 'redrive' | 'targets' | 'schedules' | 'topics' | 'keys' | 'audit' | 'server';
    summary: string;
    description?: string;
    input?: InputOf<Name>;
    output: OutputOf<Name>;
    refusals: ErrorCode[];
  };
};
