/** Sums over the queues whose names begin alike, up to their first separator. */
import { Link } from 'wouter-preact';
import type { ListedQueue } from '../../contract/contract.ts';
import { durationText } from '../../contract/duration-text.ts';
import { countText } from '../state/format.ts';
import { problemsOf } from './queue-table.tsx';

const states = ['ready', 'delayed', 'leased', 'dead'] as const;
const prefixOf = (name: string) => /^[-_.~]*[^-_.~]*[-_.~]?/.exec(name)![0];

export function PrefixSums({ queues }: { queues: readonly ListedQueue[] }) {
  const byPrefix = Map.groupBy(queues, ({ name }) => prefixOf(name));
  return (
    <div class="wide">
      <table class="sums">
        <thead>
          <tr>
            <th scope="col">Names that begin with</th>
            <th scope="col">Queues</th>
            <th scope="col">With problems</th>
            {states.map((state) => (
              <th key={state} scope="col">
                {state[0]!.toUpperCase() + state.slice(1)}
              </th>
            ))}
            <th scope="col">Oldest</th>
          </tr>
        </thead>
        <tbody>
          {[...byPrefix].map(([prefix, members]) => {
            const atLeast = members.some(({ counts }) => counts?.atLeast);
            const sum = (state: (typeof states)[number]) => members.reduce((all, { counts }) => all + (counts?.[state] ?? 0), 0);
            const oldest = Math.max(...members.map(({ counts }) => counts?.oldestAgeSeconds ?? 0));
            return (
              <tr key={prefix}>
                <th scope="row">
                  <Link href={`/?prefix=${encodeURIComponent(prefix)}`}>{prefix}</Link>
                </th>
                <td>{countText(members.length)}</td>
                <td>{countText(members.filter((queue) => problemsOf(queue).length > 0).length)}</td>
                {states.map((state) => (
                  <td key={state}>{countText(sum(state), { atLeast })}</td>
                ))}
                <td>{oldest > 0 && durationText(oldest)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
