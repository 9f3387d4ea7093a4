/** The file `.env` of the programs that a user starts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadEnvFile } from '../../../functions/local/env-file.ts';

it('.env sets variables of the queue that are not set, and no others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dumbwaiter-env-'));
  try {
    const file = join(folder, '.env');
    writeFileSync(file, '# of a team\nDUMBWAITER_URL="http://127.0.0.1:8420"\nDUMBWAITER_API_KEY=ours\nAWS_REGION=mars\n');
    const variables: NodeJS.ProcessEnv = { DUMBWAITER_API_KEY: 'mine' };
    loadEnvFile(variables, file);
    expect(variables).toEqual({ DUMBWAITER_URL: 'http://127.0.0.1:8420', DUMBWAITER_API_KEY: 'mine' });
    loadEnvFile(variables, join(folder, 'none'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
