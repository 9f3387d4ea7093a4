/** Formats Markdown tables for the terminal and for docs/numbers.md. Numbers are aligned right. */
import { isMet, type Target } from './targets.ts';

export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const texts = [head, ...rows].map((row) => row.map(String));
  const isNumber = head.map((_, column) =>
    rows.some((row) => typeof row[column] === 'number' || /^[\d<]/.test(String(row[column]))),
  );
  const widths = head.map((_, column) => Math.max(...texts.map((row) => row[column]!.length), 3));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const padded = texts.map((row) =>
    line(row.map((text, column) => (isNumber[column] ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)))),
  );
  const rule = line(widths.map((width, column) => (isNumber[column] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))));
  return [padded[0], rule, ...padded.slice(1)].join('\n');
}

/** A figure with its target, such as `6.00 (≤ 6.6: met)`. */
export function against(measured: number, target: Target | undefined, digits: number): string {
  const text = measured.toFixed(digits);
  if (target === undefined) return text;
  const [sign, bound] = 'atMost' in target ? ['≤', target.atMost] : ['≥', target.atLeast];
  return `${text} (${sign} ${Number(bound.toPrecision(3))}: ${isMet(measured, target) ? 'met' : 'MISSED'})`;
}
