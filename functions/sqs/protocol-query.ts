/**
 * The Query protocol of SQS: parameters of a query string or a form, such as `Attribute.1.Name`, and answers in XML. The tables below
 * say how its names map to those of the JSON protocol.
 */
import { SqsError } from './errors.ts';
import type { Input } from './input.ts';
import { isObject } from './input.ts';
import type { Protocol } from './protocol.ts';
import { type Element, xmlOf } from './xml.ts';

const namespace = 'http://queue.amazonaws.com/doc/2012-11-05/';
const formType = 'application/x-www-form-urlencoded';
/** The longest name has six parts: `SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue`. */
const partsMax = 8;
const parametersMax = 10_000;

/** Forms and query strings of the HTTP API are JSON or have no `Action`. */
export function isQueryCall(request: Request): boolean {
  // Most requests are told by this alone, and their URL need not be parsed.
  if (request.method === 'POST' ? mediaTypeOf(request) !== formType : request.method !== 'GET') return false;
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === '/v1' || pathname.startsWith('/v1/')) return false;
  return request.method === 'POST' || searchParams.has('Action');
}

function mediaTypeOf(request: Request): string | undefined {
  return request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
}

export const queryProtocol: Protocol = {
  read(request, body) {
    const parameters = new URLSearchParams(new URL(request.url).search);
    if (mediaTypeOf(request) === formType) {
      for (const [name, value] of new URLSearchParams(Buffer.from(body).toString())) parameters.set(name, value);
    }
    return { action: parameters.get('Action') ?? '', input: () => inputOf(parameters) };
  },
  answer(action, output, requestId) {
    const elements = elementsOf(output, namesOf(action));
    const result: Element[] = elements.length === 0 && !hasResult(action) ? [] : [[`${action}Result`, elements]];
    return xmlAnswer(200, `${action}Response`, [...result, ['ResponseMetadata', [['RequestId', requestId]]]]);
  },
  refuse({ terms, message, isSender }, requestId) {
    const error: Element[] = [
      ['Type', isSender ? 'Sender' : 'Receiver'],
      ['Code', terms.queryCode],
      ['Message', message],
      ['Detail', ''],
    ];
    return xmlAnswer(terms.status, 'ErrorResponse', [
      ['Error', error],
      ['RequestId', requestId],
    ]);
  },
};

function xmlAnswer(status: number, name: string, content: readonly Element[]) {
  const body = content.map(xmlOf).join('');
  const text = `<?xml version="1.0"?><${name} xmlns="${namespace}">${body}</${name}>`;
  return { status, headers: { 'content-type': 'text/xml' }, text };
}

// --- Input ---

interface Node {
  value?: string;
  children: Map<string, Node>;
}

/** Numbered lists, by the first part of their names. Without a number, a member stands for the first. */
const lists: { readonly [name: string]: string } = {
  AttributeName: 'AttributeNames',
  MessageAttributeName: 'MessageAttributeNames',
  MessageSystemAttributeName: 'MessageSystemAttributeNames',
  TagKey: 'TagKeys',
  AWSAccountId: 'AWSAccountIds',
  ActionName: 'Actions',
};
/** Lists of names and values, which are maps in the JSON protocol. */
const maps: { readonly [name: string]: { to: string; key: string; isStructure?: true } } = {
  Attribute: { to: 'Attributes', key: 'Name' },
  Tag: { to: 'Tags', key: 'Key' },
  MessageAttribute: { to: 'MessageAttributes', key: 'Name', isStructure: true },
  MessageSystemAttribute: { to: 'MessageSystemAttributes', key: 'Name', isStructure: true },
};
const entryLists: ReadonlySet<string> = new Set([
  'SendMessageBatchRequestEntry',
  'DeleteMessageBatchRequestEntry',
  'ChangeMessageVisibilityBatchRequestEntry',
]);

function inputOf(parameters: URLSearchParams): Input {
  if (parameters.size > parametersMax) {
    throw new SqsError('SerializationException', `A request can have at most ${parametersMax} parameters.`);
  }
  const root: Node = { children: new Map() };
  for (const [name, value] of parameters) {
    const parts = name.split('.', partsMax + 1);
    if (parts.length > partsMax) continue;
    let node = root;
    for (const part of parts) {
      const child = node.children.get(part) ?? { children: new Map() };
      node.children.set(part, child);
      node = child;
    }
    node.value = value;
  }
  return structureOf(root);
}

function structureOf({ children }: Node): Input {
  const fields = new Map<string, unknown>();
  for (const [name, node] of children) {
    const map = Object.hasOwn(maps, name) ? maps[name] : undefined;
    if (Object.hasOwn(lists, name))
      fields.set(
        lists[name]!,
        members(node).map(({ value = '' }) => value),
      );
    else if (map) fields.set(map.to, mapOf(node, map));
    else if (entryLists.has(name)) fields.set('Entries', members(node).map(structureOf));
    else if (node.value !== undefined) fields.set(name, node.value);
  }
  return Object.fromEntries(fields);
}

function mapOf(node: Node, { key, isStructure }: (typeof maps)[string]): object {
  return Object.fromEntries(
    members(node).map(({ children }) => {
      const value = children.get('Value');
      return [children.get(key)?.value ?? '', isStructure ? structureOf(value ?? { children: new Map() }) : (value?.value ?? '')];
    }),
  );
}

/** The members of a list by their numbers. */
function members(node: Node): Node[] {
  const numbered = [...node.children].filter(([part]) => /^\d{1,6}$/.test(part));
  if (numbered.length === 0) return [node];
  return numbered.sort(([a], [b]) => Number(a) - Number(b)).map(([, member]) => member);
}

// --- Output ---

interface Names {
  [field: string]: { element: string; key?: string };
}

const attributeNames: Names = {
  Attributes: { element: 'Attribute', key: 'Name' },
  MessageAttributes: { element: 'MessageAttribute', key: 'Name' },
};
const outputNames: Names = {
  ...attributeNames,
  QueueUrls: { element: 'QueueUrl' },
  queueUrls: { element: 'QueueUrl' },
  Messages: { element: 'Message' },
  Failed: { element: 'BatchResultErrorEntry' },
  Tags: { element: 'Tag', key: 'Key' },
  Results: { element: 'ListMessageMoveTasksResultEntry' },
};

function namesOf(action: string): Names {
  return { ...outputNames, Successful: { element: `${action}ResultEntry` } };
}

/** Actions that answer a result even if it is empty. */
function hasResult(action: string): boolean {
  return /^(Get|List|Receive)|Batch$/.test(action);
}

function elementsOf(output: object, names: Names): Element[] {
  return Object.entries(output).flatMap(([field, value]): Element[] => {
    const name = names[field];
    if (Array.isArray(value)) return value.map((one) => [name?.element ?? field, contentOf(one, names)]);
    if (isObject(value) && name?.key !== undefined) {
      const { element, key } = name;
      return Object.entries(value).map(([entry, inner]) => [
        element,
        [
          [key, entry],
          ['Value', contentOf(inner, names)],
        ],
      ]);
    }
    return [[field, contentOf(value, names)]];
  });
}

function contentOf(value: unknown, names: Names): Element[1] {
  return isObject(value) ? elementsOf(value, names) : String(value);
}
