/** Structured logs on Lambda: one line of JSON per entry, with the id of the invocation. */
import { Logger } from '@aws-lambda-powertools/logger';
import { textOfThrown } from '../../contract/thrown.ts';
import type { Log } from '../service/log.ts';
import type { LambdaContext } from './context.ts';

export interface LambdaLog extends Log {
  /** Must be called at the start of each invocation. */
  begin(context: LambdaContext): void;
}

export function createLambdaLog(serviceName: string): LambdaLog {
  const logger = new Logger({ serviceName });
  return {
    begin(context) {
      logger.resetKeys();
      logger.appendKeys({ invocationId: context.awsRequestId });
    },
    info: (message, fields) => logger.info(message, { ...fields }),
    warn: (message, fields) => logger.warn(message, { ...fields }),
    error: (message, fields, error) =>
      logger.error(message, { ...fields, ...(error === undefined ? {} : { error: asError(error) }) }),
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(textOfThrown(error));
}
