/** What the models of standard and FIFO queues of SQS have in common: the calls that are drawn, and how they are played. */
import { ChangeMessageVisibilityCommand, DeleteMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { expect } from 'vitest';

export type Settling = 'delete' | 'change';

export type Command<Sent> =
  | { kind: 'send'; entries: Sent[] }
  | { kind: 'receive'; max: number; isShort: boolean }
  | { kind: Settling; pick: number; age: number; isShort: boolean }
  | { kind: 'count' };

/** How often each kind of command is drawn. `settlings`: one of these each time. */
export interface Weights {
  send: number;
  receive: number;
  settle: number;
  settlings: Settling[];
}

/** `entriesMax`: of one send. */
export function commandsOf<Sent, Other = never>(
  sent: fc.Arbitrary<Sent>,
  entriesMax: number,
  { send, receive, settle, settlings }: Weights,
  others: fc.WeightedArbitrary<Other>[] = [],
): fc.Arbitrary<(Command<Sent> | Other)[]> {
  const { constant, constantFrom, integer, boolean, record } = fc;
  const one: fc.WeightedArbitrary<Command<Sent> | Other>[] = [
    {
      weight: send,
      arbitrary: record({ kind: constant('send' as const), entries: fc.array(sent, { minLength: 1, maxLength: entriesMax }) }),
    },
    {
      weight: receive,
      arbitrary: record({ kind: constant('receive' as const), max: integer({ min: 1, max: 10 }), isShort: boolean() }),
    },
    {
      weight: settle,
      arbitrary: record({
        kind: constantFrom(...settlings),
        pick: fc.nat(),
        age: constantFrom(0, 0, 0, 1),
        isShort: boolean(),
      }),
    },
    { weight: 1, arbitrary: constant({ kind: 'count' as const }) },
    ...others,
  ];
  return fc.array(fc.oneof(...one), { maxLength: 40 });
}

/** A queue and its model. */
export interface Play<Sent> {
  send(entries: readonly Sent[]): Promise<void>;
  /** Returns how many messages there were. */
  receive(max: number, isShort: boolean): Promise<number>;
  /** `age` 0: by the newest handle of a message, 1: by the one before. */
  settle(kind: Settling, pick: number, age: number, isShort: boolean): Promise<void>;
  count(): Promise<void>;
}

/** Makes the call on the queue and in the model. Returns how many messages it received. */
export async function playCommand<Sent>(play: Play<Sent>, command: Command<Sent>): Promise<number> {
  switch (command.kind) {
    case 'send':
      await play.send(command.entries);
      return 0;
    case 'receive':
      return play.receive(command.max, command.isShort);
    case 'count':
      await play.count();
      return 0;
    default:
      await play.settle(command.kind, command.pick, command.age, command.isShort);
      return 0;
  }
}

/** Deletes a message or changes its visibility, by a handle that counts or does not. `change`: seconds. */
export async function settleBy(
  sqs: SQSClient,
  handle: { QueueUrl: string; ReceiptHandle: string | undefined },
  what: 'delete' | { change: number },
  counts: boolean,
): Promise<void> {
  if (what === 'delete') {
    await sqs.send(new DeleteMessageCommand(handle));
    return;
  }
  // Of a message that is visible again, SQS refuses this; here the newest handle still counts.
  const change = sqs.send(new ChangeMessageVisibilityCommand({ ...handle, VisibilityTimeout: what.change }));
  if (counts) await change;
  else await expect(change).rejects.toMatchObject({ name: 'MessageNotInflight' });
}
