/** The condition `numeric` of filters: `["=", 5]`, `["<", 5]`, or a range such as `[">", 0, "<=", 5]`. */
import { invalidInput } from '../../contract/errors.ts';
import { filterNumberMax } from '../../contract/limits.ts';

const comparisons = {
  '=': (value: number, bound: number) => value === bound,
  '<': (value: number, bound: number) => value < bound,
  '<=': (value: number, bound: number) => value <= bound,
  '>': (value: number, bound: number) => value > bound,
  '>=': (value: number, bound: number) => value >= bound,
};
type Comparison = keyof typeof comparisons;

/** Whether a number is in the range. Throws `invalid_input` with the path for what is not a range. */
export function compileNumeric(operand: unknown, path: string): (value: number) => boolean {
  if (!Array.isArray(operand)) throw invalidInput(`${path}: must be a list, such as [">", 0, "<=", 5]`);
  if (operand.length !== 2 && operand.length !== 4) {
    throw invalidInput(`${path}: must be one or two comparisons, each an operator and a number`);
  }
  const [first, second] = [comparisonAt(operand, 0, path), operand.length === 4 ? comparisonAt(operand, 2, path) : undefined];
  const { compare, bound } = first;
  if (second === undefined) return (value) => compare(value, bound);
  if (!first.name.startsWith('>') || !second.name.startsWith('<')) {
    throw invalidInput(`${path}: a range must begin with ">" or ">=" and end with "<" or "<="`);
  }
  if (bound >= second.bound) throw invalidInput(`${path}: the first number of a range must be less than the second`);
  return (value) => compare(value, bound) && second.compare(value, second.bound);
}

function comparisonAt(operand: readonly unknown[], index: number, path: string) {
  const [name, bound] = [operand[index], operand[index + 1]];
  if (typeof name !== 'string' || !Object.hasOwn(comparisons, name)) {
    throw invalidInput(`${path}[${index}]: must be one of ${Object.keys(comparisons).join(' ')}`);
  }
  if (typeof bound !== 'number') throw invalidInput(`${path}[${index + 1}]: must be a number`);
  checkFilterNumber(bound, `${path}[${index + 1}]`);
  return { name: name as Comparison, compare: comparisons[name as Comparison], bound };
}

/** The numbers of a filter are small enough for each to be compared exactly with any number of a message. */
export function checkFilterNumber(value: number, path: string): void {
  if (Math.abs(value) <= filterNumberMax) return;
  throw invalidInput(`${path}: must be a number from ${-filterNumberMax} to ${filterNumberMax}, was ${value}`);
}
