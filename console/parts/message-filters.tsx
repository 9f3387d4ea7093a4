/** The inputs of the filters of messages. What they hold is in the address of the page. */
import { attributeFiltersMax } from '../../contract/limits.ts';
import type { ChangeFilter, FilterName, Filters } from '../state/filters.ts';
import { FilterInput } from './filter-input.tsx';

const states = ['ready', 'delayed', 'leased', 'dead', 'prepared'] as const;
const reasons = ['max_receives', 'expired', 'rejected', 'unreadable'] as const;

type TextName = Exclude<FilterName, 'attribute'>;

interface MessageFiltersProps {
  filters: Filters;
  change: ChangeFilter;
  /** Whether to offer the state. */
  hasState: boolean;
}

export function MessageFilters({ filters, change, hasState }: MessageFiltersProps) {
  const input = (name: TextName, label: string, type?: string) => (
    <FilterInput label={label} type={type} text={filters[name] ?? ''} change={(text) => change(name, text)} />
  );
  const select = (name: TextName, label: string, options: readonly string[]) => (
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
      <AttributeInputs attributes={filters.attribute ?? []} change={(attributes) => change('attribute', attributes)} />
      {input('text', 'Text in the body')}
      {select('reason', 'Reason of death', reasons)}
      {input('priority', 'Priority')}
      {input('from', 'Arrived from', 'datetime-local')}
      {input('until', 'Arrived before', 'datetime-local')}
    </form>
  );
}

interface AttributeInputsProps {
  attributes: readonly string[];
  change(attributes: readonly string[]): void;
}

/** An input for each attribute, and one for another. An attribute whose input is emptied is removed. */
function AttributeInputs({ attributes, change }: AttributeInputsProps) {
  const shown = attributes.length < attributeFiltersMax ? [...attributes, ''] : attributes;
  return shown.map((text, index) => (
    <FilterInput
      key={index}
      label={index === 0 ? 'Attribute, name=value' : 'And attribute'}
      text={text}
      change={(changed) => change(shown.with(index, changed))}
    />
  ));
}
