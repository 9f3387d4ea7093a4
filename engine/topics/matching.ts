/** Whether a message of a topic is for a subscription: its subject and its filter decide. */
import type { Filter, FilterScope, Json, MatchResult, Subscription, TestedMessage } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { isJsonText } from '../../contract/json-text.ts';
import { allHold, type Clause, compileClauses, isMembers, type Members } from './filter.ts';
import { explainFailure, type Failure } from './filter-explanation.ts';
import { compileSubject, type SubjectTest, subjectTokens } from './subject.ts';

export type MatchingTerms = Pick<Subscription, 'subject' | 'filter' | 'filterScope'>;

/** A message as subscriptions look at it. It is parsed at most once, and only if a subscription asks. */
export interface CandidateMessage {
  readonly subject: string | undefined;
  readonly tokens: readonly string[] | undefined;
  readonly attributes: Members;
  /** The body if it is a JSON object; else undefined. */
  readonly body: Members | undefined;
}

export function candidateMessage(message: TestedMessage): CandidateMessage {
  const { subject } = message;
  const attributes = lazy(() => objectIn(message.attributes) ?? {});
  const body = lazy(() => objectIn(message.body));
  return {
    subject,
    tokens: subject === undefined ? undefined : subjectTokens(subject),
    get attributes() {
      return attributes();
    },
    get body() {
      return body();
    },
  };
}

function lazy<Value>(compute: () => Value): () => Value {
  let done: { value: Value } | undefined;
  return () => {
    done ??= { value: compute() };
    return done.value;
  };
}

function objectIn(given: unknown): Members | undefined {
  const value = isJsonText(given) ? JSON.parse(given.text) : given;
  return isMembers(value) ? value : undefined;
}

export interface Matcher {
  matches(message: CandidateMessage): boolean;
  /** The same, with the first condition that failed. */
  explain(message: CandidateMessage): MatchResult;
}

/** Throws `invalid_input` for terms that are not valid. */
export function compileMatcher({ subject, filter, filterScope }: MatchingTerms): Matcher {
  const subjectTest = subject === null ? undefined : compileSubject(subject);
  const clauses = filter === null ? [] : compileClauses(filter);
  return {
    matches: (message) => subjectMatches(subjectTest, message) && filterMatches(clauses, filterScope, message),
    explain(message) {
      const failed = subjectMatches(subjectTest, message)
        ? filterFailure(clauses, filter, filterScope, message)
        : defined({ path: 'subject', condition: subject, value: message.subject });
      return failed === undefined ? { matches: true } : { matches: false, failed };
    },
  };
}

function subjectMatches(test: SubjectTest | undefined, message: CandidateMessage): boolean {
  return test === undefined || test(message.tokens);
}

function filterMatches(clauses: readonly Clause[], scope: FilterScope, message: CandidateMessage): boolean {
  if (clauses.length === 0) return true;
  const root = rootOf(scope, message);
  return root !== undefined && allHold(clauses, root, root);
}

function filterFailure(
  clauses: readonly Clause[],
  filter: Filter | null,
  scope: FilterScope,
  message: CandidateMessage,
): Failure | undefined {
  if (filterMatches(clauses, scope, message)) return undefined;
  const root = rootOf(scope, message);
  return (root && explainFailure(clauses, [root], root)) ?? { path: 'filter', condition: filter as unknown as Json };
}

/** What a filter looks at. As SNS has it, no filter matches a message without attributes, or a body that is not an object. */
function rootOf(scope: FilterScope, message: CandidateMessage): Members | undefined {
  if (scope === 'body') return message.body;
  return Object.keys(message.attributes).length === 0 ? undefined : message.attributes;
}
