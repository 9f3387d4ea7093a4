/** The CDK construct, for use in a stack of one's own: `import { Dumbwaiter } from 'dumbwaiter/cdk'`. */
export { Dumbwaiter } from './dumbwaiter.ts';
export type { DumbwaiterProps } from './dumbwaiter-props.ts';
