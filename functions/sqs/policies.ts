/** The statements that AddPermission writes into the attribute `Policy`. The policy is kept and shown; access is by scopes alone. */
import { invalidValue, SqsError } from './errors.ts';
import { isObject } from './input.ts';

const statementsMax = 20;
const actionsMax = 7;

/** The actions that a permission can name. */
const grantable: ReadonlySet<string> = new Set([
  '*',
  'SendMessage',
  'ReceiveMessage',
  'DeleteMessage',
  'ChangeMessageVisibility',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListDeadLetterSourceQueues',
  'PurgeQueue',
  'DeleteQueue',
  'ListQueueTags',
  'StartMessageMoveTask',
  'ListMessageMoveTasks',
  'CancelMessageMoveTask',
]);

export interface Permission {
  label: string;
  accounts: readonly string[];
  actions: readonly string[];
}

interface Policy {
  readonly [name: string]: unknown;
  Statement: readonly unknown[];
}

/** The policy with one more statement. Throws `OverLimit`, `InvalidParameterValue`. */
export function withPermission(text: string | undefined, { label, accounts, actions }: Permission, arn: string): string {
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(label)) {
    throw invalidValue(label, 'Label', 'Must be 1 to 80 alphanumeric characters, hyphens or underscores.');
  }
  for (const account of accounts) {
    if (!/^\d{12}$/.test(account)) throw invalidValue(account, 'PrincipalId', 'Unable to verify.');
  }
  for (const action of actions) {
    if (!grantable.has(action)) {
      throw invalidValue(`SQS:${action}`, 'ActionName', 'Please refer to the appropriate WSDL for a list of valid actions.');
    }
  }
  if (actions.length > actionsMax) {
    throw new SqsError('OverLimit', `${actions.length} Actions were found, maximum allowed is ${actionsMax}.`);
  }
  const policy = policyOf(text) ?? { Version: '2008-10-17', Id: `${arn}/SQSDefaultPolicy`, Statement: [] };
  if (policy.Statement.some(isLabelled(label))) throw invalidValue(label, 'Label', 'Already exists.');
  if (policy.Statement.length >= statementsMax) {
    throw new SqsError('OverLimit', `A policy can have at most ${statementsMax} statements.`);
  }
  const statement = {
    Sid: label,
    Effect: 'Allow',
    Principal: { AWS: oneOrAll(accounts.map((account) => `arn:aws:iam::${account}:root`)) },
    Action: oneOrAll(actions.map((action) => `SQS:${action}`)),
    Resource: arn,
  };
  return JSON.stringify({ ...policy, Statement: [...policy.Statement, statement] });
}

/** The policy without one statement; an empty text if it was the last. Throws `InvalidParameterValue`. */
export function withoutPermission(text: string | undefined, label: string): string {
  const policy = policyOf(text);
  const left = policy?.Statement.filter((one) => !isLabelled(label)(one));
  if (!policy || left?.length === policy.Statement.length) {
    throw invalidValue(label, 'Label', `can't find label${policy ? ' on existing policy' : ''}.`);
  }
  return left?.length === 0 ? '' : JSON.stringify({ ...policy, Statement: left });
}

/** The stored text is known to be JSON. A single statement may stand without its list. */
function policyOf(text: string | undefined): Policy | undefined {
  if (text === undefined) return undefined;
  const policy: unknown = JSON.parse(text);
  if (!isObject(policy)) return undefined;
  const { Statement: statements = [] } = policy;
  return { ...policy, Statement: Array.isArray(statements) ? statements : [statements] };
}

const isLabelled = (label: string) => (statement: unknown) => isObject(statement) && statement.Sid === label;

function oneOrAll(texts: readonly string[]): string | readonly string[] {
  return texts.length === 1 ? texts[0]! : texts;
}
