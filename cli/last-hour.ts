/** Columns of a list with what happened in the last hour. */
import { lastHourTitle } from '../contract/last-hour.ts';
import type { Column } from './table.ts';

type Listed<Flow extends string> = { lastHour?: readonly Readonly<Record<Flow, number>>[] };

export function lastHourColumns<Flow extends string>(flows: readonly Flow[]): Column<Listed<Flow>>[] {
  return flows.map((flow) => ({
    title: lastHourTitle(flow),
    isNumber: true,
    text: ({ lastHour }) => lastHour && `${lastHour.reduce((sum, point) => sum + point[flow], 0)}`,
  }));
}
