/** The CDK construct, for use in your own stack: `import { Dumbwaiter } from 'dumbwaiter-queue/cdk'`. */
export type { Connectable, ConnectOptions } from './connect.ts';
export { Dumbwaiter } from './dumbwaiter.ts';
export type { DeclaredTopic, DumbwaiterProps } from './dumbwaiter-props.ts';
export type { IDumbwaiter } from './dumbwaiter-ref.ts';
export type { DumbwaiterAttributes } from './imported-dumbwaiter.ts';
export type { AlarmThresholds, MonitoringOptions } from './monitoring-options.ts';
export type { ConsumerOptions, DepthOptions, QueueConnectOptions, QueueRef } from './queue-ref.ts';
export type { DumbwaiterTables } from './table-access.ts';
export type { TableCapacity } from './tables.ts';
export type { TopicRef } from './topic-ref.ts';
