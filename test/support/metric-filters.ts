/** Evaluates the metric filters of a template on lines of a log, as CloudWatch does. */
import type { LogFields } from '../../functions/service/log.ts';
import type { Resource, Synthesized } from '../infra/synthesized.ts';

/** The form of each filter: lines of one kind, optionally only those with a field that is false. */
const filterForm = /^\{ \(?\$\.kind = "(\w+)"\)?(?: && \(\$\.(\w+) IS FALSE\))? \}$/;

/** The filters on the log of one function. */
export function filtersOf({ all }: Synthesized, name: string): Resource[] {
  const isItsOwn = ({ Properties }: Resource) => JSON.stringify(Properties.LogGroupName).includes(`Functions${name}Logs`);
  return all('AWS::Logs::MetricFilter').flatMap(([, filter]) => (isItsOwn(filter) ? [filter] : []));
}

/** The values that filters find in the lines, by metric. */
export function valuesOf(filters: readonly Resource[], lines: readonly LogFields[]): Record<string, unknown[]> {
  const values: Record<string, unknown[]> = {};
  for (const { Properties } of filters) {
    const [, kind, isFalse] = filterForm.exec(String(Properties.FilterPattern))!;
    const [{ MetricName, MetricValue }] = Properties.MetricTransformations as [{ MetricName: string; MetricValue: string }];
    const [, field] = /^\$\.(\w+)$/.exec(MetricValue) ?? [];
    const matching = lines.filter((line) => line.kind === kind && (isFalse === undefined || line[isFalse] === false));
    values[MetricName] = matching.map((line) => (field === undefined ? Number(MetricValue) : line[field]));
  }
  return values;
}
