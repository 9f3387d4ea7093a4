/** The CDK construct, for use in your own stack: `import { Dumbwaiter } from 'dumbwaiter-queue/cdk'`. */
export { Dumbwaiter } from './dumbwaiter.ts';
export type { DeclaredTopic, DumbwaiterProps } from './dumbwaiter-props.ts';
export type { ConsumerOptions, QueueRef } from './queue-ref.ts';
