import fc from 'fast-check';
import { expect, it } from 'vitest';
import { indented } from '../../cli/indented.ts';

it('indented JSON is what JSON.stringify makes of it, and has the digits that it had', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 1), (json, spaces) => {
      const value = JSON.parse(json);
      expect(indented(JSON.stringify(value, null, spaces))).toBe(JSON.stringify(value, null, 2));
    }),
  );
  expect(indented('{ "n" : 1.10, "empty": { }, "text": "a\\"b, [c]:" }')).toBe(
    '{\n  "n": 1.10,\n  "empty": {},\n  "text": "a\\"b, [c]:"\n}',
  );
});
