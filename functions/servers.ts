/**
 * The servers that run from the package. In its bundle they are one module, so that it shares its parts with the functions. The programs that
 * show their options load it only to run one.
 */
export { startServer } from '../testing/index.ts';
export { runStart } from './local/run-start.ts';
export { runServe } from './serve/run-serve.ts';
