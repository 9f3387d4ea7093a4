/** Draws rows, and conditional writes that often meet them. */
import fc from 'fast-check';
import type { Condition, Path, Row, Value, Write } from '../../engine/port/port.ts';

// Few names and short lists, so that paths often meet what rows hold; `size` and `a.b` need care in expressions.
const names = fc.constantFrom('a', 'b', 'size', 'a.b', '#', 'é');
const texts = fc.oneof(
  fc.constantFrom('', 'a', 'b', '\uffee', '\u{1f600}', '\u0000'),
  fc.string({ unit: 'grapheme', maxLength: 4 }).filter((text) => text.isWellFormed()),
);
const numbers = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.1, 1e-130, -1e125, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1e21, 123456789.123),
  fc.integer({ min: -12, max: 12 }),
  fc.integer(),
  fc.double({ min: -1e100, max: 1e100, noNaN: true }).filter((number) => number === 0 || Math.abs(number) > 1e-100),
);
const scalars = fc.oneof(texts, numbers, fc.boolean());
const { value: values } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalars,
    fc.uint8Array({ maxLength: 3 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(names, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
export const randomRows = fc.dictionary(names, values, { maxKeys: 5, noNullPrototype: true });

interface Place {
  path: Path;
  value: Value;
}

/** Every place of a row, to aim at. */
function placesOf(value: Value, path: readonly (string | number)[] = []): Place[] {
  const children: [string | number, Value][] =
    typeof value !== 'object' || value instanceof Uint8Array
      ? []
      : Array.isArray(value)
        ? value.map((element, position) => [position, element])
        : Object.entries(value);
  return children.flatMap(([part, child]) => {
    const place = [...path, part] as unknown as Path;
    return [{ path: place, value: child }, ...placesOf(child, place)];
  });
}

function paths(row: Row): fc.Arbitrary<Path> {
  const anywhere = fc
    .tuple(names, fc.array(fc.oneof(names, fc.nat({ max: 3 })), { maxLength: 3 }))
    .map(([first, rest]): Path => [first, ...rest]);
  const known = placesOf(row).map(({ path }) => path);
  return known.length === 0 ? anywhere : fc.oneof(anywhere, { arbitrary: fc.constantFrom(...known), weight: 3 });
}

function conditions(row: Row): fc.Arbitrary<Condition> {
  const comparable = placesOf(row).filter((place) => ['string', 'number', 'boolean'].includes(typeof place.value));
  const true_ = comparable.map(({ path, value }): Condition => ({ equals: [path, value as string | number | boolean] }));
  const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 3 },
      paths(row).map((absent): Condition => ({ absent })),
      paths(row).map((exists): Condition => ({ exists })),
      fc.tuple(paths(row), scalars).map((equals): Condition => ({ equals })),
      fc.tuple(paths(row), fc.oneof(texts, numbers)).map((less): Condition => ({ less })),
      ...(true_.length > 0 ? [fc.constantFrom(...true_)] : []),
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((all): Condition => ({ all })),
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((any): Condition => ({ any })),
      tie('condition').map((not): Condition => ({ not })),
    ),
  }));
  return condition;
}

function changes(row: Row): fc.Arbitrary<Write['then']> {
  return fc.oneof(
    {
      arbitrary: fc.record({
        set: fc.array(fc.tuple(paths(row), values), { maxLength: 3 }),
        unset: fc.array(paths(row), { maxLength: 2 }),
      }),
      weight: 4,
    },
    randomRows.map((put): Write['then'] => ({ put })),
    fc.constant<Write['then']>({ remove: true }),
  );
}

/** A write, and the row that it meets. */
export const randomWrites = fc.option(randomRows, { nil: undefined }).chain((row) =>
  fc.record({
    row: fc.constant(row),
    when: fc.option(conditions(row ?? {}), { nil: undefined }),
    then: changes(row ?? {}),
  }),
);
