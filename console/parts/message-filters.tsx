/** The inputs of the filters of messages. What they hold is in the address of the page. */
import type { FilterName, Filters } from '../state/filters.ts';
import { FilterInput } from './filter-input.tsx';

const states = ['ready', 'delayed', 'leased', 'dead', 'prepared'] as const;
const reasons = ['max_receives', 'expired', 'rejected', 'unreadable'] as const;

interface MessageFiltersProps {
  filters: Filters;
  change(name: FilterName, text: string): void;
  /** Whether to offer the state. */
  hasState: boolean;
}

export function MessageFilters({ filters, change, hasState }: MessageFiltersProps) {
  const input = (name: FilterName, label: string, type?: string) => (
    <FilterInput label={label} type={type} text={filters[name] ?? ''} change={(text) => change(name, text)} />
  );
  const select = (name: FilterName, label: string, options: readonly string[]) => (
    <label>
      {label}
      <select value={filters[name] ?? ''} onChange={(event) => change(name, event.currentTarget.value)}>
        <option value="">all</option>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  );
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      {hasState && select('state', 'State', states)}
      {input('id', 'Id begins with')}
      {input('group', 'Group')}
      {input('key', 'Deduplication key')}
      {input('attribute', 'Attribute, name=value')}
      {input('text', 'Text in the body')}
      {select('reason', 'Reason of death', reasons)}
      {input('priority', 'Priority')}
      {input('from', 'Arrived from', 'datetime-local')}
      {input('until', 'Arrived before', 'datetime-local')}
    </form>
  );
}
