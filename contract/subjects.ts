/**
 * Subjects of messages, and patterns of subjects, as NATS has them: tokens separated by `.`. In a pattern, `*` stands for
 * exactly one token, and `>` at the end for one or more.
 */
import { subjectCharsMax, subjectTokensMax } from './limits.ts';

const forbiddenCharacters = /[\s\p{Cc}\p{Cs}]/u;

/** Why a text is not a subject, to follow the name of its field; undefined if it is one. */
export function subjectFault(subject: string): string | undefined {
  return tokensFault(subject) ?? (/[*>]/.test(subject) ? 'must not contain `*` or `>`: they are for patterns' : undefined);
}

/** Why a text is not a pattern of subjects, to follow the name of its field; undefined if it is one. */
export function subjectPatternFault(pattern: string): string | undefined {
  const fault = tokensFault(pattern);
  if (fault !== undefined) return fault;
  const tokens = pattern.split('.');
  if (tokens.some((token) => token.length > 1 && /[*>]/.test(token))) return '`*` and `>` must be whole tokens';
  if (tokens.slice(0, -1).includes('>')) return '`>` must be the last token';
  return undefined;
}

function tokensFault(text: string): string | undefined {
  if (text === '') return 'must not be empty';
  if (text.length > subjectCharsMax) return `must be at most ${subjectCharsMax} characters, was ${text.length}`;
  if (forbiddenCharacters.test(text)) return 'must not contain white space, control characters or unpaired surrogates';
  const tokens = text.split('.');
  if (tokens.includes('')) return 'must not contain an empty token: no `.` at its begin or end, and no two in a row';
  if (tokens.length > subjectTokensMax) return `must be at most ${subjectTokensMax} tokens, was ${tokens.length}`;
  return undefined;
}
