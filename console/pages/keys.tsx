/** API keys: creating one, which is shown once, and revoking. */
import { useState } from 'preact/hooks';
import type { ApiKey, CreatedKey } from '../../contract/contract.ts';
import { scopes } from '../../contract/scopes.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { Confirm, Dialog } from '../parts/dialog.tsx';
import { Form, textOf } from '../parts/form.tsx';
import { CopyButton } from '../parts/json-view.tsx';
import { Problem } from '../parts/problem.tsx';
import { fromNow } from '../state/format.ts';
import { useLive } from '../state/live.ts';
import { useSession } from '../state/session.ts';

const pageSize = 100;

export function KeysPage() {
  const { call } = useSession();
  const [created, setCreated] = useState<CreatedKey>();
  const [revoking, setRevoking] = useState<ApiKey>();
  const { value, error, reload } = useLive('keys', (signal) =>
    pagesOf(
      { limit: pageSize },
      (page) => call('listKeys', {}, page, signal),
      ({ keys }) => keys,
    ).all(),
  );
  const submit = async (fields: FormData) => {
    const queues = (textOf(fields, 'queues') ?? '').split(/[\s,]+/).filter(Boolean);
    const topics = textOf(fields, 'topics')
      ?.split(/[\s,]+/)
      .filter(Boolean);
    const expires = textOf(fields, 'expires');
    const key = {
      name: textOf(fields, 'name') ?? '',
      queues,
      scopes: scopes.filter((scope) => fields.get(scope)),
      ...(topics && { topics }),
      ...(expires !== undefined && { expiresAt: new Date(expires).toISOString() }),
    };
    setCreated(await call('createKey', {}, key));
    await reload();
    return undefined;
  };
  return (
    <>
      <h1>Keys</h1>
      <Problem error={error} />
      {value && (
        <div class="wide">
          <table>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Id</th>
                <th scope="col">Scopes</th>
                <th scope="col">Queues</th>
                <th scope="col">Topics</th>
                <th scope="col">Last used</th>
                <th scope="col">Expires</th>
                <td />
              </tr>
            </thead>
            <tbody>
              {value.map((key) => (
                <tr key={key.id}>
                  <th scope="row">{key.name}</th>
                  <td>{key.id}</td>
                  <td>{key.scopes.join(', ')}</td>
                  <td>{key.queues.join(', ')}</td>
                  <td>{key.topics.join(', ')}</td>
                  <td>{key.lastUsedAt === null ? 'never' : fromNow(key.lastUsedAt)}</td>
                  <td>{key.expiresAt === null ? 'never' : fromNow(key.expiresAt)}</td>
                  <td>
                    <button type="button" class="danger" onClick={() => setRevoking(key)}>
                      Revoke
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <h2>Create a key</h2>
      <Form button="Create" submit={submit}>
        <label>
          Name
          <input name="name" required />
        </label>
        <label>
          Queues, separated by commas
          <input name="queues" placeholder="orders, orders-*" required />
        </label>
        <div class="grid">
          <label>
            Topics, separated by commas
            <input name="topics" placeholder="all, if it covers all queues" />
          </label>
          <label>
            Expires
            <input name="expires" type="datetime-local" />
          </label>
        </div>
        <fieldset>
          <legend>Scopes</legend>
          {scopes.map((scope) => (
            <label key={scope}>
              <input type="checkbox" name={scope} />
              {scope}
            </label>
          ))}
        </fieldset>
      </Form>
      {created && (
        <Dialog title="The new key" onClose={() => setCreated(undefined)}>
          <p>It is shown only now.</p>
          <pre>{created.key}</pre>
          <CopyButton text={created.key} />
        </Dialog>
      )}
      {revoking && (
        <Confirm
          title="Revoke the key"
          button="Revoke"
          onClose={() => {
            setRevoking(undefined);
            void reload();
          }}
          run={() => call('revokeKey', { id: revoking.id })}
        >
          <p>Programs that use {revoking.name} are refused within a minute.</p>
        </Confirm>
      )}
    </>
  );
}
