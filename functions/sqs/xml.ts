/** Writes XML elements: text is escaped, and what XML cannot hold is replaced. */
import { withoutForbiddenCharacters } from './message-attributes.ts';

/** An element: its name, and its text or its children. */
export type Element = readonly [name: string, content: string | readonly Element[]];

export function xmlOf([name, content]: Element): string {
  const inner = typeof content === 'string' ? escaped(content) : content.map(xmlOf).join('');
  return `<${name}>${inner}</${name}>`;
}

const entities: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // A parser turns a bare one into a line feed.
  '\r': '&#xD;',
};

function escaped(text: string): string {
  return withoutForbiddenCharacters(text).replace(/[&<>"'\r]/g, (character) => entities[character]!);
}
