/** The word for a number of things: `message` for 1, otherwise `messages`. */
export function plural(count: number, one: string): string {
  return count === 1 ? one : `${one}s`;
}
