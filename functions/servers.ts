/**
 * The servers that run from the package, and what reads a stack with the AWS SDK. In its bundle they are one module, so that it shares its
 * parts with the functions. The programs that show their options load it only when they need it.
 */
export { startServer } from '../testing/index.ts';
export { runStart } from './local/run-start.ts';
export { readStack } from './serve/read-stack.ts';
export { runServe } from './serve/run-serve.ts';
