/** Signing in with an API key. */
import { useState } from 'preact/hooks';
import { type Session, signIn } from '../state/session.ts';

export function SignInPage({ refusal, onSignedIn }: { refusal?: string | undefined; onSignedIn(session: Session): void }) {
  const [error, setError] = useState(refusal);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget as HTMLFormElement).get('key')).trim();
    setBusy(true);
    setError(undefined);
    try {
      onSignedIn(await signIn(key));
    } catch (problem) {
      setError((problem as Error).message);
      setBusy(false);
    }
  };
  return (
    <main class="container sign-in">
      <article>
        <h1>Dumbwaiter</h1>
        <form onSubmit={submit}>
          <label>
            API key
            <input name="key" type="password" autocomplete="off" required autofocus aria-invalid={error ? true : undefined} />
            <small>It stays in this tab. What you may see and do is what the key may.</small>
          </label>
          {error && <p role="alert">{error}</p>}
          <button type="submit" aria-busy={isBusy} disabled={isBusy}>
            Sign in
          </button>
        </form>
      </article>
    </main>
  );
}
