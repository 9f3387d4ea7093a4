/** A chart of a few series over time. */
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import { useTheme } from '../state/theme.ts';

export interface Series {
  label: string;
  /** A custom property of the style sheet. */
  color: string;
  values: readonly (number | null)[];
}

const heightPx = 150;
const labelPx = 70;
/** The shortest time that a chart covers. */
const secondsMin = 60;
const dayAndTime = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const timeWithSeconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** `times`: epoch seconds, as many as each series has values. */
export function Chart({ title, times, series }: { title: string; times: readonly number[]; series: readonly Series[] }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | undefined>(undefined);
  const theme = useTheme();
  const data = [times, ...series.map(({ values }) => values)] as UPlot.AlignedData;

  // A plot keeps the colors that it was made with.
  useEffect(() => {
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue(name) || 'currentColor';
    const axis = { stroke: color('--pico-muted-color'), grid: { stroke: color('--pico-muted-border-color'), width: 1 } };
    plot.current = new UPlot(
      {
        width: place.current!.clientWidth,
        height: heightPx,
        padding: [null, labelPx / 2, null, null],
        series: [
          { value: (_, at) => (at === null ? '' : dayAndTime.format(at * 1000)) },
          ...series.map((one) => ({ label: one.label, stroke: color(one.color), width: 2 })),
        ],
        axes: [
          {
            ...axis,
            size: 30,
            space: labelPx + 20,
            values: (_, ats, __, ___, secondsOfTick) =>
              ats.map((at) => (secondsOfTick < 60 ? timeWithSeconds : time).format(at * 1000)),
          },
          { ...axis, size: 60 },
        ],
        scales: {
          // By itself, a chart of one point would cover the day after it.
          x: {
            range: ({ data: [ats] }, from, until) =>
              ats.length === 1 ? [from - secondsMin, from] : [Math.min(from, until - secondsMin), until],
          },
          y: { range: (_, __, max) => [0, Math.max(1, max)] },
        },
      },
      data,
      place.current!,
    );
    const resize = new ResizeObserver(() => plot.current!.setSize({ width: place.current!.clientWidth, height: heightPx }));
    resize.observe(place.current!);
    return () => {
      resize.disconnect();
      plot.current!.destroy();
    };
  }, [theme]);
  useEffect(() => plot.current?.setData(data), [times.at(-1)]);

  return (
    <figure aria-label={title} role="img">
      <figcaption>{title}</figcaption>
      <div ref={place} />
    </figure>
  );
}

const sparkWidth = 80;
const sparkHeight = 20;

/** A small line without axes, for a row of a table. */
export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  if (values.length < 2) return null;
  const max = Math.max(1, ...values);
  const points = values.map((value, index) => {
    const x = (index / (values.length - 1)) * sparkWidth;
    return `${x.toFixed(1)},${(sparkHeight - 1 - (value / max) * (sparkHeight - 2)).toFixed(1)}`;
  });
  return (
    <svg viewBox={`0 0 ${sparkWidth} ${sparkHeight}`} class="spark" role="img" aria-label={label}>
      <polyline points={points.join(' ')} />
    </svg>
  );
}
