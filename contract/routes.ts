/** The HTTP method, path and scope of each operation of contract.ts. */
import type { OperationName, Scope } from './contract.ts';

export interface Address {
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
}

export interface Route extends Address {
  /** HTTP status of a success. */
  status: 200 | 201 | 202;
  /** What an API key needs: one scope, any scope (for the named queue), or no key. */
  scope: Scope | 'any' | 'none';
}

const at = (method: Address['method'], path: string): Address => ({ method, path: `/v1${path}` });
const ofQueue = (method: Address['method'], path = '') => at(method, `/queues/{queue}${path}`);
const ofTopic = (method: Address['method'], path = '') => at(method, `/topics/{topic}${path}`);
const ofSubscription = (method: Address['method'], path = '') => ofTopic(method, `/subscriptions/{subscription}${path}`);

/** The HTTP method and path of each operation. `{name}` stands for a parameter. The input of a GET is its query string. */
export const addresses: { readonly [Name in OperationName]: Address } = {
  createQueue: ofQueue('PUT'),
  getQueue: ofQueue('GET'),
  updateQueue: ofQueue('PATCH'),
  deleteQueue: ofQueue('DELETE'),
  listQueues: at('GET', '/queues'),
  publish: ofQueue('POST', '/publish'),
  receive: ofQueue('POST', '/receive'),
  ack: ofQueue('POST', '/ack'),
  release: ofQueue('POST', '/release'),
  extend: ofQueue('POST', '/extend'),
  publishItems: ofQueue('POST', '/publish-items'),
  ackItems: ofQueue('POST', '/ack-items'),
  purge: ofQueue('POST', '/purge'),
  peek: ofQueue('GET', '/messages'),
  getMessage: ofQueue('GET', '/messages/{id}'),
  updateMessage: ofQueue('PATCH', '/messages/{id}'),
  cancelMessage: ofQueue('DELETE', '/messages/{id}'),
  releaseMessage: ofQueue('POST', '/messages/{id}/release'),
  commitMessage: ofQueue('POST', '/messages/{id}/commit'),
  rollbackMessage: ofQueue('POST', '/messages/{id}/rollback'),
  redrive: ofQueue('POST', '/redrive'),
  getRedrive: ofQueue('GET', '/redrive/{task}'),
  cancelRedrive: ofQueue('DELETE', '/redrive/{task}'),
  queueStats: ofQueue('GET', '/stats'),
  rotateSigningSecret: ofQueue('POST', '/signing-secret'),
  putTarget: ofQueue('PUT', '/targets/{target}'),
  getTarget: ofQueue('GET', '/targets/{target}'),
  deleteTarget: ofQueue('DELETE', '/targets/{target}'),
  listTargets: ofQueue('GET', '/targets'),
  putSchedule: at('PUT', '/schedules/{name}'),
  getSchedule: at('GET', '/schedules/{name}'),
  updateSchedule: at('PATCH', '/schedules/{name}'),
  deleteSchedule: at('DELETE', '/schedules/{name}'),
  listSchedules: at('GET', '/schedules'),
  createTopic: ofTopic('PUT'),
  getTopic: ofTopic('GET'),
  updateTopic: ofTopic('PATCH'),
  deleteTopic: ofTopic('DELETE'),
  listTopics: at('GET', '/topics'),
  topicStats: ofTopic('GET', '/stats'),
  subscribe: ofSubscription('PUT'),
  getSubscription: ofSubscription('GET'),
  updateSubscription: ofSubscription('PATCH'),
  unsubscribe: ofSubscription('DELETE'),
  listSubscriptions: ofTopic('GET', '/subscriptions'),
  testSubscription: ofSubscription('POST', '/test'),
  publishToTopic: ofTopic('POST', '/publish'),
  topicPublishItems: ofTopic('POST', '/publish-items'),
  commitPublication: ofTopic('POST', '/publications/{id}/commit'),
  rollbackPublication: ofTopic('POST', '/publications/{id}/rollback'),
  createKey: at('POST', '/keys'),
  listKeys: at('GET', '/keys'),
  getOwnKey: at('GET', '/keys/own'),
  revokeKey: at('DELETE', '/keys/{id}'),
  listAudit: at('GET', '/audit'),
  getStatus: at('GET', '/status'),
  health: at('GET', '/health'),
};

/** The addresses with what only servers need. Marked as pure, so that bundlers drop them from clients. */
export const routes = /* @__PURE__ */ routesOf({
  createQueue: 'admin',
  getQueue: 'any',
  updateQueue: 'admin',
  deleteQueue: 'admin',
  listQueues: 'any',
  publish: 'publish',
  receive: 'receive',
  ack: 'receive',
  release: 'receive',
  extend: 'receive',
  publishItems: 'publish',
  ackItems: 'receive',
  purge: 'admin',
  peek: 'read',
  getMessage: 'read',
  updateMessage: 'publish',
  cancelMessage: 'publish',
  releaseMessage: 'publish',
  commitMessage: 'publish',
  rollbackMessage: 'publish',
  redrive: 'admin',
  getRedrive: 'admin',
  cancelRedrive: 'admin',
  queueStats: 'any',
  rotateSigningSecret: 'admin',
  putTarget: 'admin',
  getTarget: 'admin',
  deleteTarget: 'admin',
  listTargets: 'admin',
  putSchedule: 'admin',
  getSchedule: 'admin',
  updateSchedule: 'admin',
  deleteSchedule: 'admin',
  listSchedules: 'admin',
  createTopic: 'admin',
  getTopic: 'read',
  updateTopic: 'admin',
  deleteTopic: 'admin',
  listTopics: 'any',
  topicStats: 'any',
  subscribe: 'receive',
  getSubscription: 'read',
  updateSubscription: 'receive',
  unsubscribe: 'receive',
  listSubscriptions: 'read',
  testSubscription: 'read',
  publishToTopic: 'publish',
  topicPublishItems: 'publish',
  commitPublication: 'publish',
  rollbackPublication: 'publish',
  createKey: 'admin',
  listKeys: 'admin',
  getOwnKey: 'any',
  revokeKey: 'admin',
  listAudit: 'admin',
  getStatus: 'admin',
  health: 'none',
});

function routesOf(scopes: { [Name in OperationName]: Route['scope'] }): { readonly [Name in OperationName]: Route } {
  const statuses: { [Name in OperationName]?: Route['status'] } = { redrive: 202, createKey: 201 };
  const names = Object.keys(addresses) as OperationName[];
  const all = names.map((name) => [name, { ...addresses[name], status: statuses[name] ?? 200, scope: scopes[name] }]);
  return Object.fromEntries(all);
}
