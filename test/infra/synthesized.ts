/** The construct in a stack, synthesized, for assertions on its template. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { bundleFunctions } from '../../infra/bundle.ts';
import { functionCode, functionEntries } from '../../infra/entries.ts';
import { Dumbwaiter, type DumbwaiterProps } from '../../infra/index.ts';

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DependsOn?: string[];
}

export interface Synthesized {
  stack: Stack;
  template: Template;
  /** Resources of one type, at least one, by logical id: the path of their construct without its slashes, and a hash. */
  all(type: string): [id: string, resource: Resource][];
  /** The resource at this path below the construct. */
  at(type: string, path: string): Resource;
}

/** Makes the bundles, which a synth needs, unless they exist. They may be old: no template says what is in them. */
export async function ensureBundles(): Promise<void> {
  if (!areBundled()) await bundleFunctions();
}

function areBundled(): boolean {
  try {
    const { folder } = functionCode();
    return functionEntries.every((entry) => existsSync(join(folder, `${entry}.mjs`)));
  } catch {
    return false;
  }
}

/** `props` may depend on what it puts into the stack. `more` adds what a user's stack would, before the template is made. */
export function synthesize(
  props: DumbwaiterProps | ((stack: Stack) => DumbwaiterProps) = {},
  more: (dumbwaiter: Dumbwaiter, stack: Stack) => void = () => {},
): Synthesized {
  const stack = new Stack(new App(), 'Test');
  more(new Dumbwaiter(stack, 'Dumbwaiter', typeof props === 'function' ? props(stack) : props), stack);
  const template = Template.fromStack(stack);
  const all = (type: string) => {
    const found = Object.entries(template.findResources(type)) as [string, Resource][];
    if (found.length === 0) throw new Error(`There is no ${type}.`);
    return found;
  };
  return {
    stack,
    template,
    all,
    at(type, path) {
      const id = new RegExp(`^Dumbwaiter${path.replaceAll('/', '')}[0-9A-F]{8}$`);
      const [found, ...others] = all(type).filter(([name]) => id.test(name));
      if (found === undefined || others.length > 0)
        throw new Error(`There are ${others.length + Number(!!found)} ${type} at ${path}.`);
      return found[1];
    },
  };
}

export const removable: DumbwaiterProps = { deletionProtection: false, removalPolicy: RemovalPolicy.DESTROY };
