/** The signed-in key: what it may do, and the calls made with it. The key stays in this tab and ends with it. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { InputOf, OperationName, OutputOf, OwnKey, ParamsOf, Scope } from '../../contract/contract.ts';
import { includesScope } from '../../contract/scopes.ts';
import { httpTransport } from '../../sdk/transports/http.ts';

export interface Session {
  own: OwnKey;
  /** Message JSON (bodies, attributes, results) comes as JsonText, digit by digit as it was sent. */
  call<Name extends OperationName>(
    operation: Name,
    params: ParamsOf<Name>,
    input?: InputOf<Name>,
    signal?: AbortSignal,
  ): Promise<OutputOf<Name>>;
  /** Whether the key has the scope, or one that includes it. Without it, the console shows no button that needs it. */
  can(scope: Scope): boolean;
  /** Whether the key covers all queues, as schedules and keys need. */
  coversAll: boolean;
}

const storedKey = 'dumbwaiter-key';

export function keyOfTab(): string | undefined {
  return sessionStorage.getItem(storedKey) ?? undefined;
}

/** Throws DumbwaiterError `unauthorized` for a key that is wrong, and TypeError for one that has impossible characters. */
export async function signIn(apiKey: string): Promise<Session> {
  const transport = httpTransport({ url: apiUrl(), apiKey });
  const call: Session['call'] = (operation, params, input, signal) =>
    transport.call(operation, params, (input ?? {}) as never, { texts: true, signal, timeoutMs: callMsMax });
  const own = await call('getOwnKey', {});
  sessionStorage.setItem(storedKey, apiKey);
  return {
    own,
    call,
    can: (scope) => includesScope(own.scopes, scope),
    coversAll: own.queues.some((pattern) => /^\*+$/.test(pattern)),
  };
}

export function signOut(): void {
  sessionStorage.removeItem(storedKey);
}

const callMsMax = 30_000;

/** The console's own address, without a slash at its end. A proxy or a stage of API Gateway may put a path before it. */
export function consolePath(): string {
  return new URL(document.baseURI).pathname.replace(/\/$/, '');
}

function apiUrl(): string {
  return location.origin + consolePath().replace(/\/console$/, '');
}

export const SessionContext = createContext<Session | undefined>(undefined);

/** Only within the signed-in part of the page. */
export function useSession(): Session {
  return useContext(SessionContext)!;
}
