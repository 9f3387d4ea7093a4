/** A JSON text as a tree that opens and closes, with the digits of its numbers as they were sent; or raw, to copy. */
import { useMemo, useState } from 'preact/hooks';
import { countText } from '../state/format.ts';

/** Larger texts are shown raw, and only when asked for, so that they do not freeze the page. */
const treeCharsMax = 200_000;
const previewChars = 2_000;
const entriesShown = 100;
const openDepth = 2;

/** A number as its digits: `JSON.parse` would round large ones. */
class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export function JsonView({ text, label }: { text: string; label: string }) {
  const [isRaw, setRaw] = useState(text.length > treeCharsMax);
  const [isWhole, setWhole] = useState(false);
  const tree = useMemo(() => (text.length > treeCharsMax ? undefined : parse(text)), [text]);
  const shown = isWhole || text.length <= previewChars ? text : text.slice(0, previewChars);
  return (
    <section aria-label={label} class="json">
      <div class="json-tools">
        {tree !== undefined && (
          <button type="button" class="quiet" onClick={() => setRaw(!isRaw)}>
            {isRaw ? 'Tree' : 'Raw'}
          </button>
        )}
        <CopyButton text={text} />
      </div>
      {isRaw || tree === undefined ? <pre>{shown}</pre> : <Node name={undefined} value={tree} depth={0} />}
      {isRaw && shown.length < text.length && (
        <button type="button" class="secondary" onClick={() => setWhole(true)}>
          Show all {countText(text.length)} characters
        </button>
      )}
    </section>
  );
}

function parse(text: string): unknown {
  try {
    // The third argument, the text of the value, is newer than the type of `JSON.parse`.
    const reviver = (_: string, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' && context?.source !== undefined ? new Digits(context.source) : value;
    return JSON.parse(text, reviver as (name: string, value: unknown) => unknown);
  } catch {
    return undefined;
  }
}

function Node({ name, value, depth }: { name: string | undefined; value: unknown; depth: number }) {
  const [shown, setShown] = useState(entriesShown);
  const label = name === undefined ? null : <span class="json-name">{name}: </span>;
  if (value instanceof Digits || typeof value !== 'object' || value === null) {
    return (
      <div class="json-leaf">
        {label}
        {value instanceof Digits ? value.text : JSON.stringify(value)}
      </div>
    );
  }
  const entries = Object.entries(value);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <details open={depth < openDepth}>
      <summary>
        {label}
        {size}
      </summary>
      {entries.slice(0, shown).map(([key, member]) => (
        <Node key={key} name={key} value={member} depth={depth + 1} />
      ))}
      {entries.length > shown && (
        <button type="button" class="quiet" onClick={() => setShown(shown + entriesShown)}>
          {countText(entries.length - shown)} more
        </button>
      )}
    </details>
  );
}

export function CopyButton({ text }: { text: string }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <button
      type="button"
      class="quiet"
      onClick={async () => {
        await copy(text);
        setCopied(true);
      }}
    >
      {isCopied ? 'Copied' : 'Copy'}
    </button>
  );
}

/** Browsers offer the clipboard over HTTPS and localhost only. Elsewhere a selected text area does it. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  // Outside an open dialog, nothing can be selected.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
