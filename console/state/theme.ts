/** The theme of the page: the one of the operating system, until the user chooses another. This browser keeps the choice. */
import { useEffect, useState } from 'preact/hooks';

export type Theme = 'light' | 'dark';

const stored = 'dumbwaiter-theme';
const root = document.documentElement;
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
const changes = new EventTarget();
systemIsDark.addEventListener('change', announce);

const chosen = localStorage.getItem(stored);
if (chosen) root.dataset.theme = chosen;

function currentTheme(): Theme {
  const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : systemIsDark.matches;
  return isDark ? 'dark' : 'light';
}

function announce(): void {
  changes.dispatchEvent(new Event('change'));
}

export function switchTheme(): void {
  root.dataset.theme = currentTheme() === 'dark' ? 'light' : 'dark';
  localStorage.setItem(stored, root.dataset.theme);
  announce();
}

/** For what the style sheet does not reach, such as a canvas. */
export function useTheme(): Theme {
  const [theme, setTheme] = useState(currentTheme);
  useEffect(() => {
    const update = () => setTheme(currentTheme());
    changes.addEventListener('change', update);
    return () => changes.removeEventListener('change', update);
  }, []);
  return theme;
}
