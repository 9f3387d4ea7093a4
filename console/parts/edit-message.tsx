/** Changing a message that waits: its body, its time and its priority. What is left empty stays as it is. */
import type { Message } from '../../contract/contract.ts';
import { jsonText } from '../../contract/json-text.ts';
import { changeMessage } from '../state/notices.ts';
import { bodyText } from '../state/scan.ts';
import { useSession } from '../state/session.ts';
import { Dialog } from './dialog.tsx';
import { Form, numberOf, textOf } from './form.tsx';

export function EditMessage({ queue, message, onClose }: { queue: string; message: Message; onClose(): void }) {
  const session = useSession();
  const text = message.bodyBase64 === undefined ? bodyText(message) : undefined;
  const submit = async (fields: FormData) => {
    const body = textOf(fields, 'body');
    const delaySeconds = numberOf(fields, 'delay');
    const priority = numberOf(fields, 'priority');
    await changeMessage(session, queue, message, {
      ...(body !== undefined && body !== text && { body: jsonText(body) as never }),
      ...(delaySeconds !== undefined && { delaySeconds }),
      ...(priority !== undefined && { priority }),
    });
    onClose();
    return undefined;
  };
  return (
    <Dialog title="Change the message" onClose={onClose}>
      <Form button="Change" submit={submit}>
        {text !== undefined && (
          <label>
            Body, JSON
            <textarea name="body" rows={8} defaultValue={text} spellcheck={false} />
          </label>
        )}
        <label>
          Postpone: seconds from now
          <input name="delay" type="number" min="0" />
        </label>
        <label>
          Priority
          <input name="priority" type="number" min="0" max="9" />
        </label>
      </Form>
    </Dialog>
  );
}
