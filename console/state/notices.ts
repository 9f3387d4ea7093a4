/** What was just changed, and how to take it back: one notice at a time, for ten seconds at most. */
import { useEffect, useState } from 'preact/hooks';
import type { Message, Queue } from '../../contract/contract.ts';
import { live } from './live.ts';
import { textOfJson } from './scan.ts';
import type { Session } from './session.ts';

const undoMs = 10_000;
const readMs = 4_000;

export interface Notice {
  text: string;
  /** Takes the change back. Absent: it cannot be taken back. */
  undo?: () => Promise<unknown>;
}

let current: Notice | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<(notice: Notice | undefined) => void>();

export function notify(notice: Notice | undefined): void {
  clearTimeout(timer);
  current = notice;
  if (notice) timer = setTimeout(() => notify(undefined), notice.undo ? undoMs : readMs);
  for (const listener of listeners) listener(notice);
}

export function useNotice(): Notice | undefined {
  const [notice, setNotice] = useState(current);
  useEffect(() => {
    listeners.add(setNotice);
    return () => void listeners.delete(setNotice);
  }, []);
  return notice;
}

/** Takes the change of the notice back, and says how that went. */
export async function undo({ undo: takeBack }: Notice): Promise<void> {
  try {
    await takeBack!();
    notify({ text: 'Undone.' });
  } catch (error) {
    notify({ text: `Not undone: ${(error as Error).message}` });
  }
  live.reloadNow();
}

/** Changes settings of a queue. The notice sets them back, unless the queue was changed again meanwhile; then `onUndone` is called. */
export async function changeQueue(
  { call }: Session,
  queue: Queue,
  settings: Partial<Queue>,
  text: string,
  onUndone?: (queue: Queue) => void,
): Promise<void> {
  const { name } = queue;
  const before = Object.fromEntries(Object.keys(settings).map((setting) => [setting, queue[setting as keyof Queue]]));
  const { updatedAt } = await call('updateQueue', { queue: name }, settings);
  notify({
    text,
    undo: async () => {
      if ((await call('getQueue', { queue: name })).updatedAt !== updatedAt) throw new Error('the queue was changed meanwhile.');
      const restored = await call('updateQueue', { queue: name }, before);
      onUndone?.(restored);
    },
  });
}

export interface MessageChange {
  body?: Message['body'];
  delaySeconds?: number;
  priority?: number;
}

/** Changes a message that waits. The notice sets it back, unless the message was received or changed again meanwhile. */
export async function changeMessage({ call }: Session, queue: string, message: Message, change: MessageChange): Promise<void> {
  const of = { queue, id: message.id };
  const { body, ...rest } = change;
  await call('updateMessage', of, { ...rest, ...(body !== undefined && { content: { body } }) });
  const changed = stateOf(await call('getMessage', of));
  const before = {
    ...(body !== undefined && { content: { body: message.body! } }),
    ...(change.delaySeconds !== undefined && timeOf(message)),
    ...(change.priority !== undefined && { priority: message.priority ?? 0 }),
  };
  notify({
    text: `Changed ${message.id}.`,
    undo: async () => {
      if (stateOf(await call('getMessage', of)) !== changed) throw new Error('the message was received or changed meanwhile.');
      return call('updateMessage', of, before);
    },
  });
}

/** Differs when the message was received or changed. Its state alone may also change by time. */
function stateOf({ body, visibleAt, priority = 0, receives, endedAt }: Message): string {
  return JSON.stringify([textOfJson(body), visibleAt, priority, receives, endedAt]);
}

/** When it could be received. A time in the past means now. */
function timeOf({ visibleAt }: Message): { deliverAt: string } | { delaySeconds: number } {
  return Date.parse(visibleAt) > Date.now() ? { deliverAt: visibleAt } : { delaySeconds: 0 };
}
