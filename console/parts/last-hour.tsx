/** Columns of a table with what happened in the last hour: a sum and its course. */
import { lastHourTitle } from '../../contract/last-hour.ts';
import { statsStepSeconds } from '../../contract/limits.ts';
import { countText } from '../state/format.ts';
import { Sparkline } from './chart.tsx';

/** How often to read statistics: processes report once a minute. */
export const statsPauseMs = 60_000;
const stepMs = statsStepSeconds * 1000;
const stepsOfHour = 6;

export function LastHourTitles({ flows }: { flows: readonly string[] }) {
  return flows.map((flow) => (
    <th key={flow} scope="col">
      {lastHourTitle(flow)}
    </th>
  ));
}

interface LastHourCellsProps<Flow extends string> {
  /** The beginning of the labels, such as `Messages of orders`. */
  what: string;
  flows: readonly Flow[];
  /** Undefined while they are loaded. */
  points: readonly (Readonly<Record<Flow, number>> & { at: string })[] | undefined;
}

export function LastHourCells<Flow extends string>({ what, flows, points }: LastHourCellsProps<Flow>) {
  return flows.map((flow) => (
    <td key={flow}>
      {points && <LastHour label={`${what} ${flow} in the last hour`} points={points} count={(point) => point[flow]} />}
    </td>
  ));
}

interface LastHourProps<Point> {
  label: string;
  points: readonly Point[];
  count: (point: Point) => number;
}

function LastHour<Point extends { at: string }>({ label, points, count }: LastHourProps<Point>) {
  const values = steps(points, count);
  const sum = values.reduce((all, value) => all + value, 0);
  if (sum === 0) return '0';
  return (
    <>
      {countText(sum)} <Sparkline label={label} values={values} />
    </>
  );
}

/** One value for each step of the hour: a step in which nothing happened has no point. */
function steps<Point extends { at: string }>(points: readonly Point[], count: (point: Point) => number): number[] {
  const latest = Math.floor(Date.now() / stepMs);
  const byStep = new Map(points.map((point) => [Math.floor(Date.parse(point.at) / stepMs), count(point)]));
  return Array.from({ length: stepsOfHour + 1 }, (_, index) => byStep.get(latest - stepsOfHour + index) ?? 0);
}
