/** Text that hardly compresses. It is the same each time. */
export function noise(chars: number): string {
  let state = 1;
  let text = '';
  while (text.length < chars) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += state.toString(36);
  }
  return text.slice(0, chars);
}
