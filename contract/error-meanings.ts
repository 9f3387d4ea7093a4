/**
 * The meaning of each error code, for the documentation and for the titles of problem+json. Kept out of errors.ts, which every
 * client bundles.
 */
import type { ErrorCode } from './errors.ts';

export const meanings: Readonly<Record<ErrorCode, string>> = {
  invalid_input: 'A field is missing, of the wrong type or over its limit.',
  invalid_receipt: 'The receipt was not issued by this queue.',
  unauthorized: 'The API key is missing, unknown or revoked.',
  forbidden: "The API key's scopes or queues do not cover this call.",
  not_found: 'There is no such path.',
  queue_not_found: 'There is no queue of this name.',
  message_not_found: 'There is no message of this id in this queue.',
  task_not_found: 'There is no redrive task of this id on this queue.',
  schedule_not_found: 'There is no schedule of this name.',
  topic_not_found: 'There is no topic of this name.',
  subscription_not_found: 'The topic has no subscription of this name.',
  publication_not_found: 'The topic has no prepared publish of this id.',
  key_not_found: 'There is no API key of this id.',
  target_not_found: 'There is no target of this name on this queue.',
  method_not_allowed: 'The path exists, but not with this method.',
  request_timeout: 'The request did not arrive completely in time.',
  queue_exists: 'The queue exists with other settings.',
  queue_in_use: 'Another queue names this one as its dead-letter queue, or a subscription delivers into it.',
  topic_exists: 'The topic exists with other settings.',
  topic_in_use: 'The topic has subscriptions. It is deleted with them only with force.',
  subscription_exists: 'The subscription exists with other terms, or another one of the topic delivers into the same queue.',
  message_leased:
    'The message is leased. Only waiting messages can be changed, and a leased message can be cancelled only with force.',
  message_prepared: 'The message is prepared: it can be committed or rolled back.',
  message_committed: 'The message is committed and can no longer be rolled back.',
  message_rolled_back: 'The message was rolled back or cancelled, and cannot be committed.',
  cancelled: 'The message was cancelled while it was leased or called.',
  message_dead: 'The called message was dead-lettered or expired. Only the SDK returns this code.',
  message_exists:
    'A transaction publishes a message under an id that is taken: by a message in the queue or a kept one, or by one that ended within the last hour.',
  lease_lost: 'The lease ended, and the message was received by another, released or removed.',
  call_timeout: 'The called message had no result in time. Only the SDK returns this code.',
  payload_too_large: 'The request is larger than one call may carry.',
  unsupported_media_type: 'The request body is not application/json.',
  headers_too_large: 'The headers of the request are larger than the server allows.',
  throttled: 'Too many requests; try again after the time given in Retry-After.',
  internal: 'A defect of the queue. Search the logs for the request id.',
  unavailable: 'The store did not answer in time. A publish may or may not have been stored.',
  clock_skewed: 'The clock of the process that served the call is wrong.',
};
