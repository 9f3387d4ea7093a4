/** The name of a deployment, such as `staging`, for people who have several consoles open. */

export const environmentColors = ['red', 'orange', 'green', 'blue', 'purple', 'gray'] as const;
export type EnvironmentColor = (typeof environmentColors)[number];

export interface Environment {
  name: string;
  color: EnvironmentColor;
}

const named = /^([^:\p{C}]{1,40})(?::([a-z]+))?$/u;
const production = /^prod(uction)?$/i;

/** Reads `NAME` or `NAME:COLOR`. By default, `production` and `prod` are red, and others blue. Throws RangeError. */
export function environmentOf(text: string): Environment {
  const [, name, given] = named.exec(text) ?? [];
  if (name === undefined) throw new RangeError('environment: must be NAME or NAME:COLOR, with a name of 1 to 40 characters');
  const color = given ?? (production.test(name) ? 'red' : 'blue');
  const known = environmentColors.find((one) => one === color);
  if (!known) throw new RangeError(`environment: the color must be one of ${environmentColors.join(', ')}; given ${color}`);
  return { name, color: known };
}
