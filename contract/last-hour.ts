/** The title of a column with what happened in the last hour: `Published, 1 h`. */
export function lastHourTitle(what: string): string {
  return `${what[0]!.toUpperCase()}${what.slice(1)}, 1 h`;
}
