/** Indents JSON for a terminal. */

/** A line for each member. Numbers keep their digits, which `JSON.parse` would round. */
export function indented(json: string): string {
  let depth = 0;
  const line = () => `\n${'  '.repeat(depth)}`;
  return json.replace(/"(?:[^"\\]|\\.)*"|\{\s*\}|\[\s*\]|[{}[\],:]|\s+/g, (token) => {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') {
      depth--;
      return `${line()}${token}`;
    } else if (token === ':') return ': ';
    else if (token !== ',') return token.startsWith('"') ? token : token.replace(/\s/g, '');
    return `${token}${line()}`;
  });
}
