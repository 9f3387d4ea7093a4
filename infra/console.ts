/** What the props `console` and `environment` give to the api function: the files of the console, and the name that its pages show. */
import { cpSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { environmentOf } from '../contract/environment.ts';
import type { DumbwaiterProps } from './dumbwaiter-props.ts';
import { consoleFolder, functionCode } from './entries.ts';

export interface ApiConsole {
  /** Undefined: the bundle alone. */
  code: Code | undefined;
  environment: Record<string, string>;
}

/** `at`: the path of the construct, for errors. Throws if the environment is not valid. */
export function apiConsole(at: string, { console, environment }: Pick<DumbwaiterProps, 'console' | 'environment'>): ApiConsole {
  const named = environment && [environment.name, ...(environment.color ? [environment.color] : [])].join(':');
  try {
    if (named !== undefined) environmentOf(named);
  } catch (cause) {
    throw new Error(`${at}: ${(cause as Error).message}`, { cause });
  }
  return {
    code: console ? codeWithConsole() : undefined,
    environment: {
      ...(console && { DUMBWAITER_CONSOLE: 'true' }),
      ...(named !== undefined && { DUMBWAITER_ENVIRONMENT: named }),
    },
  };
}

/** The bundle with the files of the console in a folder. They are only copied: no Docker is needed. */
export function codeWithConsole(files = consoleFolder): Code {
  const { folder, exclude } = functionCode();
  const isCode = (path: string) => path === folder || !(basename(path).startsWith('.') || exclude.includes(basename(path)));
  const tryBundle = (into: string) => {
    cpSync(folder, into, { recursive: true, filter: isCode });
    cpSync(files, join(into, 'console'), { recursive: true });
    return true;
  };
  // By default, the hash of an asset is that of the folder alone, and no deployment would upload another console.
  const assetHashType = AssetHashType.OUTPUT;
  return Code.fromAsset(folder, { assetHashType, bundling: { image: DockerImage.fromRegistry('none'), local: { tryBundle } } });
}
