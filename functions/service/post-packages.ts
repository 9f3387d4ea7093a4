/**
 * The packages that send signed requests, to be loaded on demand together. They are imported by name here, because the bundler gives an
 * import on demand of a CommonJS package no names.
 */
export { useAgent } from 'request-filtering-agent';
export { Webhook } from 'standardwebhooks';
