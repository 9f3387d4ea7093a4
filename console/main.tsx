/**
 * The console: a page that shows a deployment's queues and messages, and changes them. It uses the HTTP API alone.
 * `app.tsx` has the pages by path, `state/session.ts` the signed-in key, `state/live.ts` the one loop that reloads what is shown.
 */
import { render } from 'preact';
import { App } from './app.tsx';

const place = document.getElementById('console')!;
place.replaceChildren();
render(<App />, place);
