/** The scopes of API keys, and what each one includes. */
import type { Scope } from './contract.ts';

/** Every scope. A stack sorts the scopes of a key by this order for the key's id, so the order of those that exist must not change. */
export const scopes = ['publish', 'receive', 'read', 'admin'] as const satisfies Scope[];

/** The scopes that together allow everything. */
export const fullAccess: readonly Scope[] = ['publish', 'receive', 'admin'];

/** Whether a key with the scopes `given` may do what needs the scope `needed`: `receive` includes `read`. */
export function includesScope(given: readonly Scope[], needed: Scope): boolean {
  return given.includes(needed) || (needed === 'read' && given.includes('receive'));
}
