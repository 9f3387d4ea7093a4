/** Publishing by hand, from a form. What was published can be kept as a template in this browser. */
import { useState } from 'preact/hooks';
import type { Queue } from '../../contract/contract.ts';
import { jsonText } from '../../contract/json-text.ts';
import { Form, numberOf, textOf } from '../parts/form.tsx';
import { live } from '../state/live.ts';
import { useSession } from '../state/session.ts';

const storedTemplates = 'dumbwaiter-templates';
type Template = Record<string, string>;
const fieldNames = ['body', 'attributes', 'id', 'group', 'dedupKey', 'delay', 'priority'] as const;

export function PublishTab({ queue }: { queue: Queue }) {
  const { call } = useSession();
  const [templates, setTemplates] = useState<Record<string, Template>>(() =>
    JSON.parse(localStorage.getItem(storedTemplates) ?? '{}'),
  );
  const [filled, setFilled] = useState<Template>({ body: '{}' });
  const keep = (after: Record<string, Template>) => {
    localStorage.setItem(storedTemplates, JSON.stringify(after));
    setTemplates(after);
  };
  const submit = async (fields: FormData) => {
    const attributes = textOf(fields, 'attributes');
    const delaySeconds = numberOf(fields, 'delay');
    const priority = numberOf(fields, 'priority');
    const texts = Object.fromEntries(
      (['id', 'group', 'dedupKey'] as const).flatMap((name) => (textOf(fields, name) ? [[name, textOf(fields, name)]] : [])),
    );
    const message = {
      body: jsonText(textOf(fields, 'body') ?? 'null') as never,
      ...texts,
      ...(attributes !== undefined && { attributes: JSON.parse(attributes) }),
      ...(delaySeconds !== undefined && { delaySeconds }),
      ...(priority !== undefined && { priority }),
    };
    const { results } = await call('publish', { queue: queue.name }, { messages: [message] });
    const [result] = results;
    if (!result?.ok) throw new Error(result?.message);
    const template = textOf(fields, 'template');
    if (template !== undefined) {
      keep({ ...templates, [template]: Object.fromEntries(fieldNames.map((name) => [name, textOf(fields, name) ?? ''])) });
    }
    live.reloadNow();
    return result.duplicate ? `Nothing was published: ${result.id} is taken.` : `Published ${result.id}.`;
  };
  return (
    <section aria-label="Publish" key={JSON.stringify(filled)}>
      {Object.keys(templates).length > 0 && (
        <label>
          Template
          <select onChange={(event) => setFilled(templates[event.currentTarget.value] ?? { body: '{}' })}>
            <option value="">none</option>
            {Object.keys(templates).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <Form button="Publish" submit={submit}>
        <label>
          Body, JSON
          <textarea name="body" rows={8} defaultValue={filled.body ?? ''} spellcheck={false} />
        </label>
        <label>
          Attributes, a JSON object
          <input name="attributes" defaultValue={filled.attributes ?? ''} placeholder='{"kind": "created"}' />
        </label>
        <div class="grid">
          <label>
            Own id
            <input name="id" defaultValue={filled.id ?? ''} />
          </label>
          <label>
            Group
            <input name="group" defaultValue={filled.group ?? ''} />
          </label>
          {queue.deduplication && (
            <label>
              Deduplication key
              <input name="dedupKey" defaultValue={filled.dedupKey ?? ''} />
            </label>
          )}
          <label>
            Delay, seconds
            <input name="delay" type="number" min="0" defaultValue={filled.delay ?? ''} />
          </label>
          {queue.priority && (
            <label>
              Priority
              <input name="priority" type="number" min="0" max={queue.priority.levels - 1} defaultValue={filled.priority ?? ''} />
            </label>
          )}
        </div>
        <label>
          Keep as a template named
          <input name="template" />
        </label>
      </Form>
    </section>
  );
}
