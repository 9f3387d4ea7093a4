/** The errors of SQS: their names in both protocols, their status, and how errors of the queue become errors of SQS. */
import { DumbwaiterError, type ErrorCode } from '../../contract/errors.ts';

interface Terms {
  /** The code in the Query protocol, in batches, and in the header `x-amzn-query-error`. */
  queryCode: string;
  /** HTTP status in the Query protocol. */
  status: number;
  /** HTTP status in the JSON protocol: 400 for each error that AWS documents for an action. */
  jsonStatus: number;
}

const plain = (queryCode: string, status = 400, jsonStatus = 400): Terms => ({ queryCode, status, jsonStatus });
const prefixed = (name: string, status = 400): Terms => plain(`AWS.SimpleQueueService.${name}`, status);

/** By the name that the JSON protocol uses. */
const table = {
  QueueDoesNotExist: prefixed('NonExistentQueue'),
  QueueNameExists: plain('QueueAlreadyExists'),
  ReceiptHandleIsInvalid: plain('ReceiptHandleIsInvalid', 404),
  MessageNotInflight: prefixed('MessageNotInflight'),
  PurgeQueueInProgress: prefixed('PurgeQueueInProgress', 403),
  EmptyBatchRequest: prefixed('EmptyBatchRequest'),
  TooManyEntriesInBatchRequest: prefixed('TooManyEntriesInBatchRequest'),
  BatchEntryIdsNotDistinct: prefixed('BatchEntryIdsNotDistinct'),
  InvalidBatchEntryId: prefixed('InvalidBatchEntryId'),
  BatchRequestTooLong: prefixed('BatchRequestTooLong'),
  UnsupportedOperation: prefixed('UnsupportedOperation'),
  InvalidAddress: plain('InvalidAddress', 404),
  InvalidAttributeName: plain('InvalidAttributeName'),
  InvalidAttributeValue: plain('InvalidAttributeValue'),
  InvalidMessageContents: plain('InvalidMessageContents'),
  OverLimit: plain('OverLimit', 403),
  ResourceNotFoundException: plain('ResourceNotFoundException', 404),
  RequestThrottled: plain('RequestThrottled', 403),
  InvalidParameterValueException: plain('InvalidParameterValue'),
  MissingRequiredParameterException: plain('MissingParameter'),
  SerializationException: plain('MalformedInput'),
  UnknownOperationException: plain('InvalidAction'),
  MissingAction: plain('MissingAction'),
  MissingAuthenticationToken: plain('MissingAuthenticationToken', 403, 403),
  IncompleteSignature: plain('IncompleteSignature'),
  InvalidClientTokenId: plain('InvalidClientTokenId', 403, 403),
  SignatureDoesNotMatch: plain('SignatureDoesNotMatch', 403, 403),
  ExpiredToken: plain('ExpiredToken', 403, 403),
  RequestExpired: plain('RequestExpired'),
  AccessDeniedException: plain('AccessDenied', 403, 403),
  RequestTimeout: plain('RequestTimeout', 408, 408),
  RequestEntityTooLarge: plain('RequestEntityTooLarge', 413, 413),
  ServiceUnavailable: plain('ServiceUnavailable', 503, 503),
  InternalFailure: plain('InternalFailure', 500, 500),
} satisfies Record<string, Terms>;

export type SqsErrorName = keyof typeof table;

export class SqsError extends Error {
  override readonly name = 'SqsError';
  readonly code: SqsErrorName;

  constructor(code: SqsErrorName, message: string) {
    super(message);
    this.code = code;
  }

  get terms(): Terms {
    return table[this.code];
  }

  /** Whether the caller is at fault, rather than the server. */
  get isSender(): boolean {
    return this.terms.status < 500;
  }
}

export function invalidParameter(message: string): SqsError {
  return new SqsError('InvalidParameterValueException', message);
}

export function invalidValue(value: unknown, name: string, reason: string): SqsError {
  return invalidParameter(`Value ${String(value).slice(0, 300)} for parameter ${name} is invalid. Reason: ${reason}`);
}

export function missing(name: string): SqsError {
  return new SqsError('MissingRequiredParameterException', `The request must contain the parameter ${name}.`);
}

export function noSuchQueue(): SqsError {
  return new SqsError('QueueDoesNotExist', 'The specified queue does not exist.');
}

const namesOfCodes: { readonly [Code in ErrorCode]?: SqsErrorName } = {
  queue_not_found: 'QueueDoesNotExist',
  queue_exists: 'QueueNameExists',
  queue_in_use: 'UnsupportedOperation',
  invalid_receipt: 'ReceiptHandleIsInvalid',
  lease_lost: 'MessageNotInflight',
  cancelled: 'MessageNotInflight',
  task_not_found: 'ResourceNotFoundException',
  forbidden: 'AccessDeniedException',
  unauthorized: 'InvalidClientTokenId',
  throttled: 'RequestThrottled',
  unavailable: 'ServiceUnavailable',
  clock_skewed: 'ServiceUnavailable',
  payload_too_large: 'RequestEntityTooLarge',
  request_timeout: 'RequestTimeout',
  internal: 'InternalFailure',
};

/** Texts of SQS that some clients look for. For other codes, the queue's own text says more. */
const textsOfNames: { readonly [Name in SqsErrorName]?: string } = {
  RequestEntityTooLarge: 'The request must be at most 8 MiB.',
  QueueDoesNotExist: 'The specified queue does not exist.',
  ReceiptHandleIsInvalid: 'The input receipt handle is invalid.',
  MessageNotInflight: 'The specified message is not in flight.',
};

/** The error of SQS for an error of the queue, of a call or of one entry of a batch. */
export function sqsErrorOf({ code, message }: Pick<DumbwaiterError, 'code' | 'message'>): SqsError {
  const name = namesOfCodes[code] ?? 'InvalidParameterValueException';
  return new SqsError(name, textsOfNames[name] ?? message);
}

/** Whether an error of the queue is one of these codes. */
export function isRefused(error: unknown, ...codes: ErrorCode[]): boolean {
  return error instanceof DumbwaiterError && codes.includes(error.code);
}
