/** The option `--forward orders=http://127.0.0.1:3000/hook`. `forward.ts` does what it says. */
import { InvalidArgumentError } from 'commander';
import { isPathName } from '../../contract/path-names.ts';

export interface Forward {
  queue: string;
  url: string;
}

/** Adds an option's value to those before it. */
export function forwardOf(text: string, earlier: Forward[] = []): Forward[] {
  const [, queue = '', url = ''] = /^([^=]*)=(.*)$/.exec(text) ?? [];
  if (!isPathName('queue', queue) || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new InvalidArgumentError('Give a queue and a URL, such as orders=http://127.0.0.1:3000/hook.');
  }
  if (earlier.some((one) => one.queue === queue)) throw new InvalidArgumentError(`The queue ${queue} is forwarded twice.`);
  return [...earlier, { queue, url }];
}
