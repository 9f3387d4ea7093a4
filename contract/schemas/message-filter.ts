/** The schema of the filters that peek and redrive share. */
import { attributeFiltersMax } from '../limits.ts';
import * as field from './fields.ts';

export const messageFilter = {
  id: field.messageIdPrefix.describe('Only messages whose ids begin with these characters. Default: all.').optional(),
  group: field.group
    .describe('Only messages of this group; in a dead-letter queue, those that died in it. Default: all.')
    .optional(),
  key: field.dedupKey
    .describe(
      'Only messages that were published under this `dedupKey`. In a group: only the latest one, and only while the queue remembers the key. Default: all.',
    )
    .optional(),
  priority: field.priorityLevel.describe('Only messages of this priority. Default: all.').optional(),
  reason: field.deathReason.describe('Only messages that died for this reason. Default: all.').optional(),
  attribute: field
    .list(field.attributeFilter, 1, attributeFiltersMax)
    .describe('Only messages with all of these attributes, each as `name=value`. Default: all.')
    .optional(),
  from: field.instant
    .describe(
      'Only messages that arrived here at or after this instant: that were published then or, in a dead-letter queue, died. A redrive counts as an arrival, too. Default: no bound.',
    )
    .optional(),
  until: field.instant.describe('Only messages that arrived here before this instant. Default: no bound.').optional(),
  text: field.filterText
    .describe(
      'Only messages whose bodies contain this text, in the JSON as it was sent or, of bytes, in their base64 text. Default: all.',
    )
    .optional(),
};

interface Times {
  from?: string | undefined;
  until?: string | undefined;
}

/** For `refine`: whether the bounds of a time are in order, and what to say if not. */
export const timesInOrder = [
  ({ from, until }: Times) => from === undefined || until === undefined || Date.parse(from) <= Date.parse(until),
  { path: ['until'], error: 'must not be before `from`' },
] as [(times: Times) => boolean, { path: string[]; error: string }];
