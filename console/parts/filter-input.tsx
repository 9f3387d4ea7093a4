/**
 * An input of a filter whose text is in the address of the page. What is typed stays when the page reloads its data, and counts once the
 * input is left or Enter is pressed.
 */
import { useState } from 'preact/hooks';

interface FilterInputProps {
  label: string;
  /** Default: search. */
  type?: string | undefined;
  text: string;
  change(text: string): void;
}

export function FilterInput({ label, type = 'search', text, change }: FilterInputProps) {
  const [typed, setTyped] = useState<string>();
  return (
    <label>
      {label}
      <input
        type={type}
        value={typed ?? text}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onChange={(event) => change(event.currentTarget.value.trim())}
        onBlur={() => setTyped(undefined)}
      />
    </label>
  );
}
