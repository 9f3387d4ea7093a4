/** Tests the checker on histories written by hand, in pairs: one breaks a promise, and one nearly does. */
import { describe, expect, it } from 'vitest';
import { type Story, story } from '../report/story.ts';
import { check, type PromiseName } from './check.ts';

export type Case = [
  what: string,
  breaks: (story: Story) => void,
  keeps: (story: Story) => void,
  circumstances?: Parameters<typeof story>[0],
];

/** Runs the cases of each promise. Every promise must have some. */
export function judgesEach<Name extends PromiseName>(
  promises: readonly Name[],
  cases: { readonly [One in Name]: readonly [Case, ...Case[]] },
): void {
  describe.each(promises.map((promise) => [promise, cases[promise]] as const))('%s', (promise, those) => {
    it.each(
      those,
    )('is reported broken by %s, and kept by the history that nearly breaks it', (_, breaks, keeps, circumstances) => {
      const broken = story(circumstances);
      breaks(broken);
      expect(check(broken.history()).map((violation) => violation.promise)).toContain(promise);
      const kept = story(circumstances);
      keeps(kept);
      expect(check(kept.history()).map(({ text }) => text)).toEqual([]);
    });
  });
}
