/** What happened in the last hour, in a cell of a table: a sum and its course. */
import { statsStepSeconds } from '../../contract/limits.ts';
import { countText } from '../state/format.ts';
import { Sparkline } from './chart.tsx';

/** How often to read statistics: processes report once a minute. */
export const statsPauseMs = 60_000;
const stepMs = statsStepSeconds * 1000;
const stepsOfHour = 6;

interface LastHourProps<Point> {
  label: string;
  /** Undefined while they are loaded. */
  points: readonly Point[] | undefined;
  count: (point: Point) => number;
}

export function LastHour<Point extends { at: string }>({ label, points, count }: LastHourProps<Point>) {
  if (!points) return null;
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
