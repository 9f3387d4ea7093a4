/** Reports what became of a publish to a topic, for the metrics. */
import type { TopicPublishResult } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import type { CachedTopic } from '../context/topics-cache.ts';

/** Leaves out duplicates: they were reported when they were published first. */
export function reportPublished(ctx: Context, topic: CachedTopic, results: readonly TopicPublishResult[]): void {
  const copies = results.flatMap((result) => (result.ok && !result.duplicate ? [result.subscriptions] : []));
  const published = copies.length;
  if (published === 0) return;
  const delivered = copies.reduce((sum, subscriptions) => sum + subscriptions, 0);
  const filtered = published * topic.subscriptions.length - delivered;
  const unmatched = copies.filter((subscriptions) => subscriptions === 0).length;
  ctx.observe?.({ kind: 'topic_published', topic: topic.record.name, published, delivered, filtered, unmatched });
}
