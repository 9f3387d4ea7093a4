/** `--seed FILE`: reads what the file declares, in YAML or JSON, which is YAML too. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { DumbwaiterError } from '../../contract/errors.ts';
import { parseSeed, type Seed } from '../service/seed.ts';
import { StartFailure } from './start-failure.ts';

/** Throws StartFailure, which names the field. */
export async function readSeedFile(file: string): Promise<Seed> {
  try {
    return parseSeed(parse(await readFile(file, 'utf8')) ?? {}, process.env);
  } catch (cause) {
    const { message } = cause as Error;
    const where = cause instanceof DumbwaiterError ? message : message.split('\n')[0];
    throw new StartFailure(`The seed file ${file} cannot be used: ${where}`, { cause });
  }
}
