import { describe, expect, it } from 'vitest';
import type { Filter, FilterCondition, Json } from '../../../contract/contract.ts';
import { textAsJson } from '../../../contract/json-text.ts';
import { seededRandom } from '../../../engine/port/random.ts';
import { validateFilter } from '../../../engine/topics/filter-limits.ts';
import { candidateMessage, compileMatcher } from '../../../engine/topics/matching.ts';
import { type Drawing, drawing } from '../../simulation/plan/drawing.ts';
import { testSeed } from '../../support/seed.ts';
import { modelMatches } from './filter-model.ts';

const texts = ['', 'a', 'b', 'ab', 'aba', 'A', 'aB', '10.0.0.1', '10.0.3.7', '*', '\\', '__proto__'] as const;
const numbers = [-1, 0, 0.5, 1, 2, 3.015e2] as const;

function drawText(draw: Drawing): string {
  return draw.pick(texts);
}

function drawRange(draw: Drawing): (string | number)[] {
  const low = draw.pick(numbers);
  if (draw.chance(0.5)) return [draw.pick(['=', '<', '<=', '>', '>=']), low];
  return [draw.pick(['>', '>=']), low, draw.pick(['<', '<=']), low + draw.pick([0.5, 1, 3])];
}

const drawWildcard = (draw: Drawing) => draw.pick(['*', 'a*', '*a', 'a*a', '*b*', 'a', '\\*', '*\\*', 'a*b*a', '\\\\', '']);

function drawCondition(draw: Drawing): FilterCondition {
  switch (draw.whole(10)) {
    case 0:
      return { prefix: draw.chance(0.5) ? drawText(draw) : { 'equals-ignore-case': drawText(draw) } };
    case 1:
      return { suffix: draw.chance(0.5) ? drawText(draw) : { 'equals-ignore-case': drawText(draw) } };
    case 2:
      return { wildcard: drawWildcard(draw) };
    case 3:
      return { 'equals-ignore-case': drawText(draw) };
    case 4:
      return { numeric: drawRange(draw) };
    case 5:
      return { exists: draw.chance(0.5) };
    case 6:
      return { cidr: draw.pick(['10.0.0.0/24', '10.0.3.9/22', '0.0.0.0/0', '10.0.0.1/32']) };
    case 7:
      return { 'anything-but': draw.chance(0.5) ? [drawText(draw), drawText(draw)] : draw.pick([draw.pick(numbers), [0, 1]]) };
    case 8:
      return {
        'anything-but': draw.pick([
          { prefix: drawText(draw) },
          { suffix: [drawText(draw), drawText(draw)] },
          { wildcard: drawWildcard(draw) },
          { 'equals-ignore-case': drawText(draw) },
        ]),
      };
    default:
      return draw.pick<FilterCondition>([drawText(draw), draw.pick(numbers), true, false, null]);
  }
}

/** Names of members. Each level of alternatives has names of its own, because the same key twice is another rule. */
const namesAt = (alternatives: number) => ['a', 'b', '__proto__'].map((name) => name + 'x'.repeat(alternatives));

function drawFilter(draw: Drawing, depth: number, alternatives: number): Filter {
  const names = draw.some(namesAt(alternatives));
  const entries = (names.length === 0 ? [namesAt(alternatives)[0]!] : names).map((name): [string, Filter[string]] => {
    if (depth < 2 && draw.chance(0.35)) return [name, drawFilter(draw, depth + 1, alternatives)];
    return [name, Array.from({ length: 1 + draw.whole(3) }, () => drawCondition(draw))];
  });
  if (alternatives < 2 && draw.chance(0.25)) {
    entries.push(['$or', Array.from({ length: 2 }, () => drawFilter(draw, depth, alternatives + 1))]);
  }
  return Object.fromEntries(entries);
}

function drawValue(draw: Drawing, depth: number): Json {
  const kind = draw.whole(depth < 3 ? 10 : 6);
  if (kind < 3) return drawText(draw);
  if (kind < 6) return draw.pick<Json>([...numbers, true, false, null]);
  if (kind < 8) return Array.from({ length: draw.whole(3) }, () => drawValue(draw, depth + 1));
  return drawBody(draw, depth + 1);
}

function drawBody(draw: Drawing, depth: number): { [key: string]: Json } {
  const names = draw.some([0, 1, 2].flatMap((alternatives) => namesAt(alternatives).slice(0, 3)));
  return Object.fromEntries(names.slice(0, 4).map((name) => [name, drawValue(draw, depth)]));
}

describe('filters that are drawn at random', () => {
  it('match as a slow model does, and are explained exactly where they do not match', () => {
    const draw = drawing(seededRandom(testSeed));
    const counts = { matched: 0, failed: 0, refused: 0 };
    for (let round = 0; round < 8_000; round++) {
      const filter = drawFilter(draw, 0, 0);
      const body = drawBody(draw, 0);
      let valid: Filter;
      try {
        valid = validateFilter(filter, 'body');
      } catch {
        counts.refused++;
        continue;
      }
      const matcher = compileMatcher({ subject: null, filter: valid, filterScope: 'body' });
      const message = candidateMessage({ body: textAsJson(JSON.stringify(body)) as unknown as Json });
      const expected = modelMatches(valid, body);
      const explained = matcher.explain(message);
      const isExplained = explained.matches ? explained.failed === undefined : explained.failed?.path.startsWith('filter.');
      if (matcher.matches(message) !== expected || explained.matches !== expected || !isExplained) {
        const title = `seed ${testSeed}, round ${round}: ${JSON.stringify(filter)} ${JSON.stringify(body)}`;
        expect(explained, title).toEqual({ matches: expected });
        expect.fail(title);
      }
      if (expected) counts.matched++;
      else counts.failed++;
    }
    expect(counts.matched).toBeGreaterThan(400);
    expect(counts.failed).toBeGreaterThan(400);
    expect(counts.refused).toBeLessThan(4_000);
  });
});
