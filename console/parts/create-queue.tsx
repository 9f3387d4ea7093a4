/** Creating a queue, with the settings that most queues need. The others are on the queue's page. */
import { useSession } from '../state/session.ts';
import { Dialog } from './dialog.tsx';
import { Form, numberOf, textOf } from './form.tsx';

export function CreateQueue({ onClose }: { onClose(): void }) {
  const { call } = useSession();
  const submit = async (fields: FormData) => {
    const deadLetterQueue = textOf(fields, 'deadLetter');
    const visibilityTimeoutSeconds = numberOf(fields, 'visibility');
    await call(
      'createQueue',
      { queue: textOf(fields, 'name') ?? '' },
      {
        ...(visibilityTimeoutSeconds !== undefined && { visibilityTimeoutSeconds }),
        ...(deadLetterQueue !== undefined && { deadLetter: { queue: deadLetterQueue } }),
      },
    );
    onClose();
    return undefined;
  };
  return (
    <Dialog title="Create a queue" onClose={onClose}>
      <Form button="Create" submit={submit}>
        <label>
          Name
          <input name="name" required autofocus autocomplete="off" />
        </label>
        <label>
          Visibility timeout, seconds
          <input name="visibility" type="number" min="0" placeholder="30" />
        </label>
        <label>
          Dead-letter queue
          <input name="deadLetter" autocomplete="off" placeholder="none" />
          <small>It must exist. A message that was received five times without an ack moves there.</small>
        </label>
      </Form>
    </Dialog>
  );
}
