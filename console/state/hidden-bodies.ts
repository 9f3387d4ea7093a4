/** Whether the page hides the bodies of messages, a setting of this browser. */
import { useState } from 'preact/hooks';

const stored = 'dumbwaiter-bodies-hidden';

export function useHiddenBodies(): [isHidden: boolean, toggle: () => void] {
  const [isHidden, setHidden] = useState(localStorage.getItem(stored) === 'true');
  const toggle = () => {
    localStorage.setItem(stored, String(!isHidden));
    setHidden(!isHidden);
  };
  return [isHidden, toggle];
}
