/** A modal dialog of the browser: it traps the focus, and Escape closes it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

export function Dialog({ title, onClose, children }: { title: string; onClose(): void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => dialog.current!.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={onClose}>
      <article>
        <header>
          <button type="button" aria-label="Close" class="close" onClick={() => dialog.current!.close()} />
          <h3 id={titleId}>{title}</h3>
        </header>
        {children}
      </article>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  /** What will happen, for the user to read. */
  children: ComponentChildren;
  /** The text to type before the button works. Default: none. */
  typed?: string;
  button: string;
  onClose(): void;
  run(): Promise<unknown>;
}

/** Asks before an action that cannot be undone. An error stays in the dialog. */
export function Confirm({ title, children, typed, button, onClose, run }: ConfirmProps) {
  const [text, setText] = useState('');
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const confirm = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await run();
      onClose();
    } catch (problem) {
      setError((problem as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={confirm}>
        {children}
        {typed !== undefined && (
          <label>
            Type {typed} to confirm
            <input autofocus value={text} autocomplete="off" onInput={(event) => setText(event.currentTarget.value)} />
          </label>
        )}
        {error && <p role="alert">{error}</p>}
        <button type="submit" class="danger" aria-busy={isBusy} disabled={isBusy || (typed !== undefined && text !== typed)}>
          {button}
        </button>
      </form>
    </Dialog>
  );
}
