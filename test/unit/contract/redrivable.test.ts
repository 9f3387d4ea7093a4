import { expect, it } from 'vitest';
import type { Message } from '../../../contract/contract.ts';
import { isRedrivable } from '../../../contract/redrivable.ts';

const deadLetter = { queue: 'orders' } as NonNullable<Message['deadLetter']>;

it.each<[string, Partial<Message>, boolean, boolean]>([
  ['a dead letter', { state: 'dead', deadLetter }, true, true],
  ['a dead letter that waits after a failed receive', { state: 'delayed', deadLetter }, true, true],
  ['a dead letter of a group', { state: 'dead', deadLetter, group: 'g' }, true, true],
  ['a leased dead letter', { state: 'leased', deadLetter }, false, false],
  ['a message that was published to the dead-letter queue', { state: 'ready' }, false, true],
  ['a message that waits in a group', { state: 'ready', group: 'g' }, false, false],
  ['a prepared message', { state: 'prepared' }, false, false],
])('whether a redrive moves %s, without and with another queue', (_, message, back, elsewhere) => {
  expect([isRedrivable(message as Message), isRedrivable(message as Message, 'other')]).toEqual([back, elsewhere]);
});
