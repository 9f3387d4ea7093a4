/** Serves the console: one page for every path under `/console`, its script and its style sheet. It needs no key: the page asks for one. */
import { Hono } from 'hono';
import { publicUrl } from './public-url.ts';

/** `index.html`, `console.js` and `style.css` by name, as `console/build.ts` makes them. */
export type ConsoleFiles = ReadonlyMap<string, Uint8Array>;

/** The page runs its own script only, loads nothing from another host, and cannot be framed. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // Icons of the style sheet.
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types: Readonly<Record<string, string>> = { js: 'text/javascript', css: 'text/css', html: 'text/html' };

export function createConsole(files: () => Promise<ConsoleFiles>): Hono {
  const console = new Hono();
  console.use(async (context, next) => {
    context.header('content-security-policy', policy);
    context.header('x-content-type-options', 'nosniff');
    context.header('referrer-policy', 'no-referrer');
    await next();
  });
  console.get('/*', async (context) => {
    const all = await files();
    const name = context.req.path.replace(/^.*\//, '');
    const isPage = !all.has(name);
    const file = isPage ? pageAt(all.get('index.html')!, `${publicUrl(context.req.raw)}/console/`) : all.get(name)!;
    const type = types[isPage ? 'html' : name.replace(/^.*\./, '')]!;
    return context.body(file as Uint8Array<ArrayBuffer>, 200, { 'content-type': `${type}; charset=utf-8` });
  });
  return console;
}

/** The page with its address, from which it finds its files and the API whatever path it is opened at. */
function pageAt(page: Uint8Array, address: string): Uint8Array {
  const escaped = address.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
  return Buffer.from(Buffer.from(page).toString().replace('%base%', escaped));
}
