#!/usr/bin/env node
/** The program `dumbwaiter`. */
import { run } from './main.ts';

process.exitCode = await run(process.argv.slice(2));
