import type { ApiKey, KeyInput, Page } from '../../contract/contract.ts';
import type { Caller, CallOptions } from '../calls/caller.ts';
import { type Pages, pagesOf } from '../calls/pages.ts';

export class KeysClient {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Makes a key. Its `key` is shown this once. Not tried again after a lost answer: look in `list` for what to revoke. */
  create(input: KeyInput, options?: CallOptions): Promise<ApiKey & { key: string }> {
    return this.#caller.call('createKey', {}, input, options);
  }

  list(input: Page = {}, options?: CallOptions): Pages<ApiKey> {
    return pagesOf(input, async (page) => {
      const { keys, cursor } = await this.#caller.call('listKeys', {}, page, options);
      return [keys, cursor];
    });
  }

  /** The key works a minute longer at most. */
  async revoke(id: string, options?: CallOptions): Promise<void> {
    await this.#caller.call('revokeKey', { id }, {}, options);
  }
}
