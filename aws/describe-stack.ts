/** Reads a stack: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html */
import { callService } from './call-service.ts';
import type { ServiceAccess } from './service-access.ts';

export interface DescribedStack {
  /** Such as `UPDATE_COMPLETE`. */
  status: string;
  /** By name. */
  outputs: ReadonlyMap<string, string>;
}

/** Rejects with ServiceError `ValidationError` if there is no such stack. */
export async function describeStack(access: ServiceAccess, stackName: string): Promise<DescribedStack> {
  const { body } = await callService(access, {
    service: 'cloudformation',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new URLSearchParams({ Action: 'DescribeStacks', Version: '2010-05-15', StackName: stackName }).toString(),
  });
  const xml = body.toString();
  const outputs = [...xml.matchAll(/<member>((?:(?!<member>)[\s\S])*?<OutputKey>[\s\S]*?)<\/member>/g)].map(
    ([, output = '']): [string, string] => [textOf(output, 'OutputKey'), textOf(output, 'OutputValue')],
  );
  return { status: textOf(xml, 'StackStatus'), outputs: new Map(outputs) };
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function textOf(xml: string, element: string): string {
  const [, text = ''] = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml) ?? [];
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code, name) =>
    code === undefined ? (entities[name] ?? whole) : String.fromCodePoint(Number(code)),
  );
}
