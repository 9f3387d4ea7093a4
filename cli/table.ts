/** Tables for people. */
import { styleText } from 'node:util';
import Table from 'cli-table3';

export interface Column<Row> {
  title: string;
  text(row: Row): string | number | null | undefined;
  isNumber?: boolean;
}

const noLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

export function tableOf<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const table = new Table({
    // Colors only where the output is a terminal that shows them.
    head: columns.map(({ title }) => styleText('bold', title, { stream: process.stdout })),
    colAligns: columns.map(({ isNumber }) => (isNumber ? 'right' : 'left')),
    chars: noLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push(columns.map(({ text }) => String(text(row) ?? '')));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
