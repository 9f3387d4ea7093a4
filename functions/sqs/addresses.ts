/** Queue URLs and ARNs. A URL begins as the caller addressed the server, so that it works where the caller is. */
import { anyQueueName, fifoEnding, plainQueueName } from '../../contract/path-names.ts';
import { invalidParameter, SqsError } from './errors.ts';

export const accountId = '000000000000';
const regionDefault = 'us-east-1';
const queuePath = /^(.*?)\/(\d{12}|queue)\/([^/]+)\/?$/;

export interface Addresses {
  urlOf(queue: string): string;
  arnOf(queue: string): string;
  /** The queue on whose path the call was made. */
  queueOfPath: string | undefined;
}

/** `base`: the URL of the server's root, without a slash at the end. */
export function addressesOf(base: string, path: string, region: string | undefined): Addresses {
  const onQueue = queuePath.exec(path);
  // A server behind a prefix that its proxy leaves in the path.
  const prefix = onQueue ? onQueue[1] : path.replace(/\/+$/, '');
  const name = onQueue?.[3];
  return {
    urlOf: (queue) => `${base}${prefix}/${accountId}/${queue}`,
    arnOf: (queue) => `arn:aws:sqs:${region ?? regionDefault}:${accountId}:${queue}`,
    queueOfPath: name,
  };
}

/** The region of a signature's credential scope. */
export function regionOf(request: Request): string | undefined {
  const scope =
    /Credential=([^,\s]+)/.exec(request.headers.get('authorization') ?? '')?.[1] ??
    new URL(request.url).searchParams.get('X-Amz-Credential') ??
    '';
  const region = scope.split('/')[2];
  return region !== undefined && /^[a-z0-9-]{1,40}$/.test(region) ? region : undefined;
}

/** The queue that a URL names; a bare name stands for its URL. Throws `InvalidAddress`, `QueueDoesNotExist`. */
export function queueOfUrl(url: string): string {
  const last =
    url
      .replace(/[?#].*$/, '')
      .replace(/\/+$/, '')
      .split('/')
      .at(-1) ?? '';
  if (!anyQueueName.test(last))
    throw new SqsError('InvalidAddress', `The address ${url.slice(0, 200)} is not valid for this endpoint.`);
  return last;
}

/** Undefined if the text is no ARN of a queue. */
export function queueOfArn(arn: string): string | undefined {
  const name = /^arn:aws[a-z-]{0,20}:sqs:[a-z0-9-]{1,40}:\d{12}:([^:]+)$/.exec(arn)?.[1];
  return name !== undefined && anyQueueName.test(name) ? name : undefined;
}

/** Throws `InvalidParameterValue`. */
export function checkNewName(name: string, isFifo: boolean): void {
  if (isFifo && !(plainQueueName.test(name) && name.endsWith(fifoEnding))) {
    throw invalidParameter(
      'The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.',
    );
  }
  if (!isFifo && !(plainQueueName.test(name) && !name.endsWith(fifoEnding))) {
    throw invalidParameter('Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length');
  }
}
