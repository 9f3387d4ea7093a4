/** Lengths of time, in milliseconds. */
export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
/** A day in seconds, for settings. */
export const daySeconds = dayMs / secondMs;

/** A time in milliseconds as the API writes it. */
export const instant = (ms: number) => new Date(ms).toISOString();
