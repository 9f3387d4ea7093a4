/** State that lives in the address of the page, so that a link keeps it. */
import { useSearchParams } from 'wouter-preact';

type Change = (name: string, text: string | readonly string[]) => void;

/** The query of the address, and what changes one of its parts, which may stand there several times; an empty text removes it. `resets`: parts that a change of `name` removes. */
export function useAddress(resets: Readonly<Record<string, string>> = {}): [search: URLSearchParams, change: Change] {
  const [search, setSearch] = useSearchParams();
  const change: Change = (name, given) =>
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        after.delete(name);
        for (const text of [given].flat()) if (text !== '') after.append(name, text);
        if (resets[name] !== undefined) after.delete(resets[name]);
        return after;
      },
      { replace: true },
    );
  return [search, change];
}
