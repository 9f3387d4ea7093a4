/** The part of the client that manages API keys. */
import type { ApiKey, CreatedKey, KeyInput, OwnKey, Page } from '../../contract/contract.ts';
import type { Caller, CallOptions } from '../calls/caller.ts';
import { type Pages, pagesOf } from '../calls/pages.ts';

/** Manages API keys. Requires an admin key, except `own`. */
export class KeysClient {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Creates a key. Its `key`, and the `secretAccessKey` of one with `accessKey`, are returned only this once. The call is not retried after a lost response: find the key in `list`
   * and revoke it.
   */
  create(input: KeyInput, options?: CallOptions): Promise<CreatedKey> {
    return this.#caller.call('createKey', {}, input, options);
  }

  /** What the key of this client may do. Every key may ask. */
  own(options?: CallOptions): Promise<OwnKey> {
    return this.#caller.call('getOwnKey', {}, {}, options);
  }

  /** Lists the keys, without their secrets. */
  list(input: Page = {}, options?: CallOptions): Pages<ApiKey> {
    return pagesOf(
      input,
      (page) => this.#caller.call('listKeys', {}, page, options),
      ({ keys }) => keys,
    );
  }

  /**
   * Revokes a key. It stops working within a minute.
   * @throws DumbwaiterError `key_not_found`
   */
  async revoke(id: string, options?: CallOptions): Promise<void> {
    await this.#caller.call('revokeKey', { id }, {}, options);
  }
}
