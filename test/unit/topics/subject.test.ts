import { describe, expect, it } from 'vitest';
import { subjectCharsMax, subjectTokensMax } from '../../../contract/limits.ts';
import { subjectFault, subjectPatternFault } from '../../../contract/subjects.ts';
import { seededRandom } from '../../../engine/port/random.ts';
import { compileSubject, subjectTokens } from '../../../engine/topics/subject.ts';
import { type Drawing, drawing } from '../../simulation/plan/drawing.ts';
import { testSeed } from '../../support/seed.ts';

const matches = (pattern: string, subject: string) => compileSubject(pattern)(subjectTokens(subject));
const tokens = (count: number) => Array.from({ length: count }, (_, index) => `t${index}`).join('.');

/** https://docs.nats.io/nats-concepts/subjects */
const documented: [pattern: string, matching: string[], others: string[]][] = [
  ['time.us.east', ['time.us.east'], ['time.us', 'time.us.east.atlanta', 'time.us.EAST']],
  ['time.*.east', ['time.us.east', 'time.eu.east'], ['time.us.east.atlanta', 'time.east', 'time.us.west']],
  ['time.us.*', ['time.us.east'], ['time.us', 'time.us.east.atlanta', 'time.eu.east']],
  ['time.us.>', ['time.us.east', 'time.us.east.atlanta'], ['time.us', 'time.eu.east']],
  ['*.*.east.>', ['time.us.east.atlanta', 'a.b.east.c.d'], ['time.us.east', 'time.east.atlanta']],
  ['*', ['time', '-'], ['time.us']],
  ['>', ['time', 'time.us', tokens(subjectTokensMax)], []],
  ['*.>', ['time.us', 'time.us.east'], ['time']],
];

describe('a pattern of subjects', () => {
  it('matches as the NATS manual says', () => {
    expect(documented).not.toEqual([]);
    for (const [pattern, matching, others] of documented) {
      for (const subject of matching) expect(matches(pattern, subject), `${pattern} ${subject}`).toBe(true);
      for (const subject of others) expect(matches(pattern, subject), `${pattern} ${subject}`).toBe(false);
    }
  });

  it('matches no message without a subject', () => {
    expect(compileSubject('>')(undefined)).toBe(false);
  });

  it('matches as a slow search by characters does', () => {
    const draw = drawing(seededRandom(testSeed));
    let matched = 0;
    for (let round = 0; round < 5_000; round++) {
      const pattern = `${list(draw, ['a', 'b', '*'])}${draw.chance(0.3) ? '.>' : ''}`;
      const subject = list(draw, ['a', 'b', 'c']);
      const slow = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^.]+').replace('>', '.+')}$`).test(subject);
      expect(matches(pattern, subject), `seed ${testSeed}, ${pattern} ${subject}`).toBe(slow);
      matched += Number(slow);
    }
    expect(matched).toBeGreaterThan(100);
  });
});

function list(draw: Drawing, choices: readonly string[]): string {
  return Array.from({ length: 1 + draw.whole(4) }, () => draw.pick(choices)).join('.');
}

const faults: [subject: string, fault: RegExp][] = [
  ['', /must not be empty/],
  ['x'.repeat(subjectCharsMax + 1), /at most 256 characters, was 257/],
  [tokens(subjectTokensMax + 1), /at most 16 tokens, was 17/],
  ['.a', /empty token/],
  ['a.', /empty token/],
  ['a..b', /empty token/],
  ['a b', /white space/],
  ['a\u0000', /control characters/],
  ['a\u2028b', /white space/],
  ['a\ud83e', /unpaired surrogates/],
];

describe('the rules of subjects', () => {
  it('refuse the same texts as subjects and as patterns, and name the reason', () => {
    expect(faults).not.toEqual([]);
    for (const [text, fault] of faults) {
      expect(subjectFault(text), JSON.stringify(text)).toMatch(fault);
      expect(subjectPatternFault(text), JSON.stringify(text)).toMatch(fault);
    }
  });

  it('refuse wildcards in a subject, and misplaced ones in a pattern', () => {
    expect(subjectFault('a.*')).toMatch(/patterns/);
    expect(subjectFault('a.>')).toMatch(/patterns/);
    expect(subjectPatternFault('a.b*')).toMatch(/whole tokens/);
    expect(subjectPatternFault('a.>b')).toMatch(/whole tokens/);
    expect(subjectPatternFault('>.a')).toMatch(/last token/);
    expect(() => compileSubject('>.a')).toThrow('subject: `>` must be the last token');
  });

  it('accept any other characters, up to the limits', () => {
    for (const subject of [
      'orders.eu-1.created_at',
      'ключ.値.🙂',
      '$SYS.a:b/c',
      tokens(subjectTokensMax),
      'x'.repeat(subjectCharsMax),
    ]) {
      expect(subjectFault(subject), subject).toBeUndefined();
      expect(subjectPatternFault(subject), subject).toBeUndefined();
    }
  });
});
