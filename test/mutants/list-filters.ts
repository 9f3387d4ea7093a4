/** Mutants of subjects and filters. */
import type { Mutant } from './mutant.ts';

const documented = ['test/unit/topics/filter-documented.test.ts'];
const drawn = ['test/unit/topics/filter-properties.test.ts'];
const hostile = ['test/unit/topics/filter-hostile.test.ts'];
const subjects = ['test/unit/topics/subject.test.ts'];

export const filters: readonly Mutant[] = [
  {
    name: 'a `>` in a subject matches no token, too',
    file: 'engine/topics/subject.ts',
    find: 'given.length <= tokens.length',
    replace: 'given.length < tokens.length',
    tests: subjects,
  },
  {
    name: 'a subject matches a pattern that it only begins with',
    file: 'engine/topics/subject.ts',
    find: 'given.length !== tokens.length',
    replace: 'given.length < tokens.length',
    tests: subjects,
  },
  {
    name: 'two conditions on objects of a list are met by different ones',
    file: 'engine/topics/filter.ts',
    find: 'objects.length === 0 ? test(undefined) : objects.some(test)',
    replace: 'test(Object.assign({}, ...objects))',
    tests: drawn,
  },
  {
    name: 'a filter asks whether a key is missing in one element of a list only',
    file: 'engine/topics/filter.ts',
    find: 'return conditions.acceptAbsent && !hasValueAt(root, keys, 0);',
    replace: 'return conditions.acceptAbsent;',
    tests: drawn,
  },
  {
    name: 'a filter takes inherited names for keys of a message',
    file: 'engine/topics/filter.ts',
    find: 'object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined',
    replace: 'object?.[key]',
    tests: hostile,
  },
  {
    name: 'a filter on attributes matches a message that has none',
    file: 'engine/topics/matching.ts',
    find: 'return Object.keys(message.attributes).length === 0 ? undefined : message.attributes;',
    replace: 'return message.attributes;',
    tests: documented,
  },
  {
    name: 'begin and end of a wildcard overlap in the text',
    file: 'engine/topics/wildcard.ts',
    find: 'return at <= text.length - last.length;',
    replace: 'return true;',
    tests: hostile,
  },
  {
    name: 'the combinations of alternatives are multiplied',
    file: 'engine/topics/filter-limits.ts',
    find: '(sum, alternative) => sum + combinationsOf(alternative, depth), 0)',
    replace: '(sum, alternative) => sum * combinationsOf(alternative, depth), 1)',
    tests: ['test/unit/topics/filter-errors.test.ts'],
  },
  {
    name: 'a message is parsed for each filter that looks at it',
    file: 'engine/topics/matching.ts',
    find: 'done ??= { value: compute() };',
    replace: 'done = { value: compute() };',
    tests: ['test/unit/topics/matching.test.ts'],
  },
];
