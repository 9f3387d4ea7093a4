/** The filters of messages, as the address of the page holds them, and as calls take them. */
import type { MessageFilter, MessageState, PeekInput } from '../../contract/contract.ts';
import { useAddress } from './address.ts';

export const filterNames = ['state', 'id', 'group', 'key', 'attribute', 'text', 'reason', 'priority', 'from', 'until'] as const;
export type FilterName = (typeof filterNames)[number];
/** The text of each filter that is set. Of attributes, several may be. */
export type Filters = { [Name in Exclude<FilterName, 'attribute'>]?: string } & { attribute?: readonly string[] };

export type ChangeFilter = <Name extends FilterName>(name: Name, text: NonNullable<Filters[Name]>) => void;

export function useFilters(): [filters: Filters, change: ChangeFilter] {
  const [search, change] = useAddress();
  const texts = filterNames.flatMap((name) => (search.get(name) ? [[name, search.get(name)]] : []));
  const attribute = search.getAll('attribute');
  return [{ ...Object.fromEntries(texts), ...(attribute.length > 0 && { attribute }) }, change];
}

/** The filters as a redrive takes them. A text that is no filter stays as it is, and the call says what is wrong with it. */
export function messageFilterOf({ state: _, attribute, priority, from, until, ...texts }: Filters): MessageFilter {
  return {
    ...(texts as Pick<MessageFilter, 'id' | 'group' | 'key' | 'text' | 'reason'>),
    ...(attribute && { attribute: [...attribute] }),
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
  const all = Object.entries(filters).flatMap(([name, given]) => [given].flat().map((text) => [name, text]));
  return `/queues/${queue}/redrive?${new URLSearchParams(all)}`;
}

/** The instant that an input of type datetime-local gives, in the zone of the browser. Other text stays as it is: the server refuses it. */
export function instantOf(text: string): string {
  const at = Date.parse(text);
  return Number.isNaN(at) ? text : new Date(at).toISOString();
}
