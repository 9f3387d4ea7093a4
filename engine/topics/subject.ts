/** Patterns of subjects, compiled. The rules of subjects are in `contract/subjects.ts`. */
import { invalidInput } from '../../contract/errors.ts';
import { subjectPatternFault } from '../../contract/subjects.ts';

/** Whether a subject, as its tokens, matches a pattern. A message without a subject matches no pattern. */
export type SubjectTest = (tokens: readonly string[] | undefined) => boolean;

export function subjectTokens(subject: string): string[] {
  return subject.split('.');
}

/** Throws `invalid_input` for a pattern that is not valid. */
export function compileSubject(pattern: string): SubjectTest {
  const fault = subjectPatternFault(pattern);
  if (fault !== undefined) throw invalidInput(`subject: ${fault}`);
  const tokens = subjectTokens(pattern);
  const isOpen = tokens.at(-1) === '>';
  if (isOpen) tokens.pop();
  return (given) => {
    if (given === undefined) return false;
    if (isOpen ? given.length <= tokens.length : given.length !== tokens.length) return false;
    return tokens.every((token, index) => token === '*' || token === given[index]);
  };
}
