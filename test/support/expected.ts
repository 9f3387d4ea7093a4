/** Results and errors that many tests expect. */
import { expect } from 'vitest';

export const ok = { ok: true };
export const lost = { ok: false, code: 'lease_lost' };
export const notFound = { code: 'message_not_found' };

/** An error, or a failed result, with this code. */
export const withCode = (code: string) => expect.objectContaining({ code });
