/** The filters of messages, as the address of the page holds them, and as calls take them. */
import type { MessageFilter, MessageState, PeekInput } from '../../contract/contract.ts';
import { useAddress } from './address.ts';

export const filterNames = ['state', 'id', 'group', 'key', 'attribute', 'text', 'reason', 'priority', 'from', 'until'] as const;
export type FilterName = (typeof filterNames)[number];
/** The text of each filter that is set. */
export type Filters = { [Name in FilterName]?: string };

export function useFilters(): [filters: Filters, change: (name: FilterName, text: string) => void] {
  const [search, change] = useAddress();
  return [Object.fromEntries(filterNames.flatMap((name) => (search.get(name) ? [[name, search.get(name)]] : []))), change];
}

/** The filters as a redrive takes them. A text that is no filter stays as it is, and the call says what is wrong with it. */
export function messageFilterOf({ state: _, attribute, priority, from, until, ...texts }: Filters): MessageFilter {
  return {
    ...(texts as Pick<MessageFilter, 'id' | 'group' | 'key' | 'text' | 'reason'>),
    ...(attribute && { attribute: [attribute] }),
    ...(priority && { priority: Number(priority) }),
    ...(from && { from: instantOf(from) }),
    ...(until && { until: instantOf(until) }),
  };
}

export function peekInputOf(filters: Filters): PeekInput {
  return { ...messageFilterOf(filters), ...(filters.state && { state: filters.state as MessageState }) };
}

/** The page that redrives the dead letters that fit. */
export function redriveAddress(queue: string, { state: _, ...filters }: Filters): string {
  return `/queues/${queue}/redrive?${new URLSearchParams(filters)}`;
}

/** The instant that an input of type datetime-local gives, in the zone of the browser. Other text stays as it is: the server refuses it. */
export function instantOf(text: string): string {
  const at = Date.parse(text);
  return Number.isNaN(at) ? text : new Date(at).toISOString();
}
