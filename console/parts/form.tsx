/** A form that runs a call: it shows the error of the call beside the button, and a note when it succeeded. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

interface FormProps {
  button: string;
  children: ComponentChildren;
  /** Returns the note to show, or nothing. What it throws is shown as the form's error. */
  submit(fields: FormData): Promise<string | undefined>;
}

export function Form({ button, children, submit }: FormProps) {
  const [outcome, setOutcome] = useState<{ error?: string; note?: string | undefined }>({});
  const [isBusy, setBusy] = useState(false);
  const run = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      setOutcome({ note: await submit(new FormData(event.currentTarget as HTMLFormElement)) });
    } catch (error) {
      setOutcome({ error: (error as Error).message });
    }
    setBusy(false);
  };
  return (
    <form onSubmit={run}>
      {children}
      {outcome.error && <p role="alert">{outcome.error}</p>}
      {outcome.note && <p role="status">{outcome.note}</p>}
      <button type="submit" aria-busy={isBusy} disabled={isBusy}>
        {button}
      </button>
    </form>
  );
}

/** The text of a field; undefined if it is empty. */
export function textOf(fields: FormData, name: string): string | undefined {
  const text = String(fields.get(name) ?? '').trim();
  return text === '' ? undefined : text;
}

/** The number in a field; undefined if it is empty. */
export function numberOf(fields: FormData, name: string): number | undefined {
  const text = textOf(fields, name);
  return text === undefined ? undefined : Number(text);
}
