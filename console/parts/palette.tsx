/** Search over queues by the beginning of their names, and over pages: `/` or ⌘K. */
import { useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { useLive } from '../state/live.ts';
import { useSession } from '../state/session.ts';
import { Dialog } from './dialog.tsx';
import { type PageLink, pagesFor } from './pages.ts';

const namePart = /^[\w.~-]+$/;

export function Palette({ onClose }: { onClose(): void }) {
  const session = useSession();
  const { call } = session;
  const [, navigate] = useLocation();
  const [text, setText] = useState('');
  const { value: queues = [] } = useLive(`palette ${text}`, async (signal) => {
    if (text !== '' && !namePart.test(text)) return [];
    const found = await call('listQueues', {}, { limit: 20, ...(text !== '' && { prefix: text }) }, signal);
    return found.queues.map(({ name }) => name);
  });
  const found: PageLink[] = [
    ...queues.map((name): PageLink => [name, `/queues/${name}`]),
    ...pagesFor(session).filter(([name]) => name.toLowerCase().startsWith(text.toLowerCase())),
  ];
  const open = (path: string) => {
    onClose();
    navigate(path);
  };
  return (
    <Dialog title="Search" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (found[0]) open(found[0][1]);
        }}
      >
        <input
          type="search"
          aria-label="Queue or page"
          placeholder="Queue or page"
          autofocus
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </form>
      <ul class="found">
        {found.map(([name, path]) => (
          <li key={path}>
            <button type="button" class="quiet" onClick={() => open(path)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
