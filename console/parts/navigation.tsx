/** The bar at the top: pages, search, pause, theme, and who is signed in. */
import { useEffect, useState } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import { live } from '../state/live.ts';
import { useSession } from '../state/session.ts';
import { switchTheme } from '../state/theme.ts';
import { pagesFor } from './pages.ts';
import { Palette } from './palette.tsx';

export function Navigation({ onSignOut }: { onSignOut(): void }) {
  const session = useSession();
  const { own } = session;
  const [paused, setPaused] = useState(live.paused);
  const [isSearching, setSearching] = useState(false);
  const [location] = useLocation();
  const isAt = (path: string) => (path === '/' ? /^\/(queues\/|$)/.test(location) : location.startsWith(path));

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isTyping = (event.target as HTMLElement).closest('input, textarea, select, dialog');
      const isPalette = event.key.toLowerCase() === 'k' && (event.metaKey || event.ctrlKey);
      if (!isPalette && (event.key !== '/' || isTyping)) return;
      event.preventDefault();
      setSearching(true);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  useEffect(() => {
    if (own.environment) document.title = `${own.environment.name} – Dumbwaiter`;
  }, [own.environment?.name]);

  return (
    <header class="container">
      <nav aria-label="Pages">
        <ul>
          <li>
            <Link href="/">
              <strong>Dumbwaiter</strong>
            </Link>
          </li>
          {own.environment && (
            <li>
              <mark class={`environment ${own.environment.color}`}>{own.environment.name}</mark>
            </li>
          )}
          {pagesFor(session).map(([title, path]) => (
            <li key={path}>
              <Link href={path} aria-current={isAt(path) ? 'page' : undefined}>
                {title}
              </Link>
            </li>
          ))}
        </ul>
        <ul>
          <li>
            <button type="button" class="quiet" onClick={() => setSearching(true)}>
              Search <kbd>/</kbd>
            </button>
          </li>
          <li>
            <button
              type="button"
              class="quiet"
              aria-pressed={paused}
              onClick={() => {
                live.setPaused(!paused);
                setPaused(!paused);
              }}
            >
              {paused ? 'Resume updates' : 'Pause updates'}
            </button>
          </li>
          <li>
            <button type="button" class="quiet" onClick={switchTheme}>
              Theme
            </button>
          </li>
          <li>
            <button
              type="button"
              class="quiet"
              onClick={onSignOut}
              title={`Signed in with the key ${own.id}: ${own.scopes.join(', ')}. Server ${own.version}`}
            >
              Sign out
            </button>
          </li>
        </ul>
      </nav>
      {isSearching && <Palette onClose={() => setSearching(false)} />}
    </header>
  );
}
