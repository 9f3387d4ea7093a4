#!/usr/bin/env node
/** The program `dumbwaiter`. */
import { loadEnvFile } from '../functions/local/env-file.ts';
import { run } from './main.ts';

loadEnvFile();
const code = await run(process.argv.slice(2));
// A server that lost its store has set a code of its own.
if (code !== 0) process.exitCode = code;
