/** One topic: its subscriptions, which of them a message would match, and publishing to it. */
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { MatchResult, Subscription } from '../../contract/contract.ts';
import { jsonText } from '../../contract/json-text.ts';
import { plural } from '../../contract/plural.ts';
import { Form, textOf } from '../parts/form.tsx';
import { Problem } from '../parts/problem.tsx';
import { TopicCharts } from '../parts/topic-charts.tsx';
import { useLive } from '../state/live.ts';
import { textOfJson } from '../state/scan.ts';
import { useSession } from '../state/session.ts';

export function TopicPage({ topic }: { topic: string }) {
  const { call, can } = useSession();
  const [isPublishing, setPublishing] = useState(false);
  const [matches, setMatches] = useState<ReadonlyMap<string, MatchResult>>(new Map());
  const { value, error } = useLive(`topic ${topic}`, (signal) => call('listSubscriptions', { topic }, { limit: 100 }, signal));
  const subscriptions = value?.subscriptions ?? [];

  const messageOf = (fields: FormData) => {
    const subject = textOf(fields, 'subject');
    const attributes = textOf(fields, 'attributes');
    return {
      body: jsonText(textOf(fields, 'body') ?? 'null') as never,
      ...(subject !== undefined && { subject }),
      ...(attributes !== undefined && { attributes: JSON.parse(attributes) }),
    };
  };
  const submit = async (fields: FormData) => {
    const message = messageOf(fields);
    if (isPublishing) {
      const { results } = await call('publishToTopic', { topic }, { messages: [message] });
      const [result] = results;
      if (!result?.ok) throw new Error(result?.message);
      return `Published ${result.id} to ${result.subscriptions} ${plural(result.subscriptions, 'subscription')}.`;
    }
    const tried = await Promise.all(
      subscriptions.map(
        async ({ name }) => [name, await call('testSubscription', { topic, subscription: name }, message)] as const,
      ),
    );
    setMatches(new Map(tried));
    return `${tried.filter(([, { matches }]) => matches).length} of ${tried.length} subscriptions match.`;
  };

  return (
    <>
      <h1>{topic}</h1>
      <Problem error={error} />
      <TopicCharts topic={topic} />
      <h2>Subscriptions</h2>
      {value && subscriptions.length === 0 && <p>None yet: a publish reaches nobody.</p>}
      {subscriptions.map((subscription) => (
        <One key={subscription.name} subscription={subscription} match={matches.get(subscription.name)} />
      ))}
      {value?.cursor !== undefined && <p>Only the first 100 subscriptions are shown.</p>}
      <h2>Try a message</h2>
      <Form button={isPublishing ? 'Publish' : 'Try'} submit={submit}>
        <label>
          Subject
          <input name="subject" placeholder="orders.eu.created" />
        </label>
        <label>
          Attributes, a JSON object
          <input name="attributes" placeholder='{"country": "de"}' />
        </label>
        <label>
          Body, JSON
          <textarea name="body" rows={4} defaultValue="{}" spellcheck={false} />
        </label>
        {can('publish') && (
          <label>
            <input type="checkbox" checked={isPublishing} onChange={() => setPublishing(!isPublishing)} />
            Publish it, rather than only say which subscriptions match
          </label>
        )}
      </Form>
    </>
  );
}

function One({ subscription, match }: { subscription: Subscription; match: MatchResult | undefined }) {
  const { name, queue, subject, filter, filterScope } = subscription;
  return (
    <article>
      <h3>
        {name} {match && <mark>{match.matches ? 'matches' : 'does not match'}</mark>}
      </h3>
      <p>
        delivers into <Link href={`/queues/${queue}`}>{queue}</Link>
        {subject !== null && <>, subject {subject}</>}
      </p>
      {filter && (
        <p>
          Filter on {filterScope}: <code>{textOfJson(filter)}</code>
        </p>
      )}
      {match?.failed && (
        <p>
          {match.failed.path} must meet <code>{textOfJson(match.failed.condition)}</code>, and is{' '}
          <code>{textOfJson(match.failed.value) ?? 'absent'}</code>.
        </p>
      )}
    </article>
  );
}
