/** The frame of the page: sign-in, navigation, and a page for each path. */
import { useEffect, useState } from 'preact/hooks';
import { Redirect, Route, Router, Switch } from 'wouter-preact';
import { DumbwaiterError } from '../contract/errors.ts';
import { AuditPage } from './pages/audit.tsx';
import { KeysPage } from './pages/keys.tsx';
import { MessagePage } from './pages/message.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { QueuePage } from './pages/queue.tsx';
import { SchedulesPage } from './pages/schedules.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { TopicPage } from './pages/topic.tsx';
import { TopicsPage } from './pages/topics.tsx';
import { Navigation } from './parts/navigation.tsx';
import { NoticeBar } from './parts/notice.tsx';
import { seesAdminPages } from './parts/pages.ts';
import { live } from './state/live.ts';
import { consolePath, keyOfTab, type Session, SessionContext, signIn, signOut } from './state/session.ts';

export function App() {
  const [session, setSession] = useState<Session>();
  const [isReady, setReady] = useState(keyOfTab() === undefined);
  const [refusal, setRefusal] = useState<string>();

  const end = (why?: string) => {
    signOut();
    setSession(undefined);
    setRefusal(why);
  };

  useEffect(() => {
    const key = keyOfTab();
    if (key === undefined) return;
    signIn(key)
      .then(setSession)
      .catch((error: Error) => {
        if (isUnauthorized(error)) end('The key of this tab no longer works. Sign in with another.');
        else setRefusal(error.message);
      })
      .finally(() => setReady(true));
  }, []);

  useEffect(() => {
    const onRefused = () => end('The key no longer works: it was revoked, or has expired.');
    addEventListener('dumbwaiter-unauthorized', onRefused);
    return () => removeEventListener('dumbwaiter-unauthorized', onRefused);
  }, []);

  if (!isReady)
    return (
      <p class="container" aria-busy="true">
        Signing in…
      </p>
    );
  if (!session) return <SignInPage refusal={refusal} onSignedIn={setSession} />;
  const guarded: Session = {
    ...session,
    call: (...args) =>
      session.call(...args).catch((error: Error) => {
        if (isUnauthorized(error)) dispatchEvent(new Event('dumbwaiter-unauthorized'));
        throw error;
      }),
  };
  const isAdmin = seesAdminPages(guarded);
  return (
    <SessionContext.Provider value={guarded}>
      <Router base={consolePath()}>
        <Navigation
          onSignOut={() => {
            live.setPaused(false);
            end();
          }}
        />
        <main class="container">
          <Switch>
            <Route path="/">
              <OverviewPage />
            </Route>
            <Route path="/queues/:queue/messages/:id">{({ queue, id }) => <MessagePage queue={queue!} id={id!} />}</Route>
            <Route path="/queues/:queue/:tab?">{({ queue, tab }) => <QueuePage queue={queue!} tab={tab ?? 'charts'} />}</Route>
            <Route path="/topics">
              <TopicsPage />
            </Route>
            <Route path="/topics/:topic">{({ topic }) => <TopicPage topic={topic!} />}</Route>
            {isAdmin && (
              <Route path="/schedules">
                <SchedulesPage />
              </Route>
            )}
            {isAdmin && (
              <Route path="/keys">
                <KeysPage />
              </Route>
            )}
            {isAdmin && (
              <Route path="/audit">
                <AuditPage />
              </Route>
            )}
            <Route>
              <Redirect to="/" />
            </Route>
          </Switch>
        </main>
        <NoticeBar />
      </Router>
    </SessionContext.Provider>
  );
}

function isUnauthorized(error: Error): boolean {
  return error instanceof DumbwaiterError && error.code === 'unauthorized';
}
