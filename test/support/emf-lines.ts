/** Reads lines of the embedded metric format as CloudWatch does: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
import { expect } from 'vitest';

export interface EmfLine {
  _aws: {
    Timestamp: number;
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }[];
  };
  [member: string]: unknown;
}

/** One metric of a line, by its dimensions. */
export interface PrintedMetric {
  name: string;
  unit: string;
  dimensions: Record<string, string>;
  values: number[];
}

/** Checks a line by the rules of the format, and returns it. */
export function checkEmf(line: EmfLine): EmfLine {
  const { Timestamp, CloudWatchMetrics } = line._aws;
  expect(Number.isInteger(Timestamp)).toBe(true);
  expect(JSON.stringify(line).length).toBeLessThan(256 * 1024);
  expect(CloudWatchMetrics.length).toBeGreaterThan(0);
  for (const { Namespace, Dimensions, Metrics } of CloudWatchMetrics) {
    expect(Namespace).toMatch(/^[^:].{0,255}$/);
    expect(Dimensions.length).toBeGreaterThan(0);
    for (const set of Dimensions) {
      expect(set.length).toBeLessThanOrEqual(30);
      for (const name of set) expect(line[name]).toMatch(/^[\x20-\x7e]{1,1024}$/);
    }
    expect(Metrics.length).toBeGreaterThan(0);
    expect(Metrics.length).toBeLessThanOrEqual(100);
    for (const { Name } of Metrics) {
      const values = [line[Name]].flat();
      expect(values.length).toBeLessThanOrEqual(100);
      for (const value of values) expect(Number.isFinite(value)).toBe(true);
    }
  }
  return line;
}

/** The metrics that CloudWatch makes of these lines. */
export function metricsIn(lines: readonly EmfLine[]): PrintedMetric[] {
  return lines.flatMap((line) =>
    line._aws.CloudWatchMetrics.flatMap(({ Dimensions, Metrics }) =>
      Metrics.flatMap(({ Name, Unit }) =>
        Dimensions.map((set) => ({
          name: Name,
          unit: Unit,
          dimensions: Object.fromEntries(set.map((name) => [name, String(line[name])])),
          values: [line[Name] as number | number[]].flat(),
        })),
      ),
    ),
  );
}
