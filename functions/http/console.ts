/** Serves the console: one page for every path under `/console`, its script and its style sheet. It needs no key: the page asks for one. */
import { createHash } from 'node:crypto';
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

const types: Readonly<Record<string, string>> = { js: 'text/javascript', css: 'text/css' };

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
    const file = name === 'index.html' ? undefined : all.get(name);
    if (!file) {
      const page = pageAt(all, `${new URL(publicUrl(context.req.raw)).pathname.replace(/\/$/, '')}/console/`);
      return context.body(page as Uint8Array<ArrayBuffer>, 200, { 'content-type': 'text/html; charset=utf-8' });
    }
    // The page names each file by its content.
    if (context.req.query('of') === contentOf(file)) context.header('cache-control', 'public, max-age=31536000, immutable');
    const type = types[name.replace(/^.*\./, '')]!;
    return context.body(file as Uint8Array<ArrayBuffer>, 200, { 'content-type': `${type}; charset=utf-8` });
  });
  return console;
}

/** The page with its path, from which it finds its files and the API whatever path it is opened at. */
function pageAt(all: ConsoleFiles, path: string): Uint8Array {
  let page = Buffer.from(all.get('index.html')!).toString().replace('%base%', path);
  for (const [name, file] of all) page = page.replace(`"${name}"`, `"${name}?of=${contentOf(file)}"`);
  return Buffer.from(page);
}

const contents = new WeakMap<Uint8Array, string>();

/** A name of the content of a file. */
function contentOf(file: Uint8Array): string {
  const known = contents.get(file) ?? createHash('sha256').update(file).digest('base64url').slice(0, hashChars);
  contents.set(file, known);
  return known;
}

const hashChars = 16;
