/** The package as npm packs it, installed into an empty project without a network. */
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContractServer } from '../support/contract-server.ts';
import { startTestDynamodb } from '../support/dynamodb.ts';
import { type PackedPackage, packPackage, runProgram as run } from '../support/packed-package.ts';
import { SmallQueue } from '../support/small-queue.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const browserBundleBytesMax = 50_000;
const packedBytesMax = 1_000_000;
const unpackedBytesMax = 3_480_000;

let work: string;
let project: string;
let installed: string;
let packed: PackedPackage;
let server: ContractServer;
let queue: SmallQueue;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dumbwaiter-package-'));
  packed = await packPackage(work);

  project = join(work, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', packed.tarball], project);
  installed = join(project, 'node_modules/dumbwaiter-queue');

  queue = new SmallQueue();
  server = await ContractServer.start({
    ...queue.answers,
    publish: ({ messages }) => {
      queue.add(...messages.map(({ body }) => String(body)));
      return { results: messages.map(({ body }) => ({ ok: true as const, id: String(body) })) };
    },
  });
}, 300_000);

afterAll(async () => {
  await server?.stop();
  rmSync(work, { recursive: true, force: true });
});

/** Every Node of the machine, each version once. */
async function nodes(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const folder of new Set((process.env.PATH ?? '').split(delimiter))) {
    const path = join(folder, 'node');
    if (folder === '' || !existsSync(path)) continue;
    found.set((await run(path, ['--version'], root)).trim(), path);
  }
  return found;
}

function link(...packages: string[]): void {
  for (const name of packages) {
    const path = join(project, 'node_modules', name);
    if (existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), path);
  }
}

async function typeCheck(file: string, source: string, options: Record<string, unknown>): Promise<string> {
  writeFileSync(join(project, file), source);
  const config = `tsconfig.${file}.json`;
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: 'es2022',
    types: [],
    ...options,
  };
  writeFileSync(join(project, config), JSON.stringify({ compilerOptions, files: [file] }));
  return run(join(root, 'node_modules/.bin/tsc'), ['-p', config], project);
}

describe('the package', () => {
  it('the package installs by itself and contains what runs and nothing else', () => {
    expect(readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['dumbwaiter-queue']);
    const files = globSync('**/*', { cwd: installed, withFileTypes: true }).filter((entry) => entry.isFile());
    const strays = files.filter(({ name }) => !/(\.js|\.mjs|\.d\.ts)$/.test(name)).map(({ name }) => name);
    expect(strays.sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'THIRD_PARTY_NOTICES.md',
      'function-files.json',
      'index.html',
      'package.json',
      'package.json',
      'package.json',
      'style.css',
    ]);
  });

  it('the error of a program that imports the package is not preceded by a line of thousands of characters', () => {
    const files = globSync('dist/{cjs,esm}/*.js', { cwd: installed });
    expect(files).toContain('dist/cjs/cdk.js');
    for (const file of files) {
      const lengths = readFileSync(join(installed, file), 'utf8')
        .split('\n')
        .map(({ length }) => length);
      expect(Math.max(...lengths), file).toBeLessThan(3_000);
    }
  });

  it('the package names the packages of others that it contains', () => {
    expect(readFileSync(join(installed, 'dist/THIRD_PARTY_NOTICES.md'), 'utf8')).toMatch(/^- zod \d/m);
  });

  it(`the package is small, at most ${packedBytesMax} bytes to download`, () => {
    expect(packed.size).toBeLessThanOrEqual(packedBytesMax);
    expect(packed.unpackedSize).toBeLessThanOrEqual(unpackedBytesMax);
  });

  it('the package has a command line that needs no other package', async () => {
    const dumbwaiter = join(project, 'node_modules/.bin/dumbwaiter');
    expect(await run(dumbwaiter, ['--help'], project)).toContain('Examples:');
    expect(await run(dumbwaiter, ['start', '--help'], project)).toContain('--memory');
    expect(await run(dumbwaiter, ['serve', '--help'], project)).toContain('--messages-table');
    const unreachable = ['--url', 'http://127.0.0.1:9', '--api-key', 'x', 'doctor'];
    await expect(run(dumbwaiter, unreachable, project)).rejects.toThrow('Is the URL right');
  });

  it('the package publishes and consumes from its root import in every Node of the machine from 20 on', async () => {
    writeFileSync(
      join(project, 'round-trip.js'),
      `import { Dumbwaiter, DumbwaiterError } from 'dumbwaiter-queue';
       const queue = new Dumbwaiter({ url: process.argv[2], apiKey: 'k' }).queue('q');
       await queue.publish({ body: process.version });
       const consumer = queue.consume((message) => console.log(message.id), { visibilityTimeoutSeconds: 30, waitSeconds: 0 });
       await new Promise((resolve) => consumer.on('ack', resolve));
       await consumer.stop();
       if (!(await queue.get('x').catch((error) => error) instanceof DumbwaiterError)) throw new Error('no typed error');`,
    );
    const versions = await nodes();
    expect([...versions.keys()]).toContain(process.version);
    for (const [version, path] of versions) {
      if (Number(/^v(\d+)/.exec(version)?.[1]) < 20) continue;
      expect(await run(path, ['round-trip.js', server.url], project)).toBe(`${version}\n`);
      expect(queue.acked.at(-1)).toBe(version);
    }
  });

  it.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('the package has types that resolve with module %s and moduleResolution %s, without types of Node', async (module, moduleResolution) => {
    const source = `
      import { Dumbwaiter, DumbwaiterError, type ErrorCode, type ReceivedMessage } from 'dumbwaiter-queue';
      interface Order { total: number }
      const queue = new Dumbwaiter({ url: 'https://q.test', apiKey: 'k' }).queue<Order>('orders');
      const { id }: { id: string } = await queue.publish({ body: { total: 1 } });
      const results: { ok: boolean }[] = await queue.publish([{ body: { total: 1 }, delaySeconds: 1 }]);
      // @ts-expect-error the body is an Order
      await queue.publish({ body: { sum: 1 } });
      // @ts-expect-error the url is missing
      new Dumbwaiter({ apiKey: 'k' });
      const consumer = queue.consume(async ({ body, ack }: ReceivedMessage<Order>, { signal }) => {
        const total: number = body.total;
        await fetch('https://a.test', { signal });
        return [total, ack];
      });
      consumer.on('failed', ({ message, error }) => console.log(message.body.total, error));
      // @ts-expect-error there is no such event
      consumer.on('nonsense', () => {});
      for await (const message of queue.peek({ state: 'dead' })) console.log(message.body.total, message.deadLetter?.reason);
      try { await queue.get(id) } catch (error) {
        if (error instanceof DumbwaiterError) { const code: ErrorCode = error.code; console.log(code, results) }
      }
      export {};`;
    await typeCheck(`check-${moduleResolution}.ts`, source, { module, moduleResolution, lib: ['es2022', 'dom', 'dom.iterable'] });
  });

  it('the package calls by Lambda invoke, typed, once @aws-sdk/client-lambda is installed', async () => {
    link('@aws-sdk/client-lambda');
    await typeCheck(
      'check-lambda.ts',
      `import { Dumbwaiter } from 'dumbwaiter-queue';
       import { lambdaTransport } from 'dumbwaiter-queue/lambda';
       import { LambdaClient } from '@aws-sdk/client-lambda';
       new Dumbwaiter({ transport: lambdaTransport({ functionName: 'f', client: new LambdaClient({ region: 'eu-central-1' }) }) });`,
      { module: 'nodenext', skipLibCheck: true, lib: ['es2022', 'dom', 'dom.iterable'] },
    );
    writeFileSync(
      join(project, 'lambda.js'),
      `import { lambdaTransport } from 'dumbwaiter-queue/lambda'; console.log(typeof lambdaTransport({ functionName: 'f' }).call);`,
    );
    expect(await run(process.execPath, ['lambda.js'], project)).toBe('function\n');
  });

  it('the package traces calls, typed, once @opentelemetry/api is installed, and with no other package', async () => {
    link('@opentelemetry/api');
    await typeCheck(
      'check-otel.ts',
      `import { Dumbwaiter, type Tracing } from 'dumbwaiter-queue';
       import { openTelemetry } from 'dumbwaiter-queue/otel';
       const tracing: Tracing = openTelemetry({ continueTraces: true });
       new Dumbwaiter({ url: 'https://q.test', apiKey: 'k', tracing });
       // @ts-expect-error there is no such option
       openTelemetry({ continueTrace: true });`,
      { module: 'nodenext', skipLibCheck: true, lib: ['es2022', 'dom', 'dom.iterable'] },
    );
    writeFileSync(
      join(project, 'otel.js'),
      `import { Dumbwaiter } from 'dumbwaiter-queue';
       import { openTelemetry } from 'dumbwaiter-queue/otel';
       const queue = new Dumbwaiter({ url: process.argv[2], apiKey: 'k', tracing: openTelemetry() }).queue('q');
       await queue.publish({ body: 'traced ' + process.version });
       const [message] = await queue.receive();
       await message.ack();
       console.log(message.id);`,
    );
    for (const [version, path] of await nodes()) {
      if (Number(/^v(\d+)/.exec(version)?.[1]) < 20) continue;
      expect(await run(path, ['otel.js', server.url], project)).toBe(`traced ${version}\n`);
    }
  });

  it('the package runs the queue in process, typed, once @aws-sdk/client-dynamodb is installed, and with no other package', async () => {
    link('@aws-sdk/client-dynamodb');
    await typeCheck(
      'check-direct.ts',
      `import { DynamoDBClient, type TransactWriteItem, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
       import { Dumbwaiter } from 'dumbwaiter-queue';
       import { directTransport } from 'dumbwaiter-queue/direct';
       const client = new DynamoDBClient({ region: 'eu-central-1' });
       const queue = new Dumbwaiter({ transport: directTransport({ client }) }).queue<{ order: string }>('orders');
       const order: TransactWriteItem = { Put: { TableName: 'orders', Item: { id: { S: '1' } } } };
       const { items } = await queue.publishItems({ body: { order: '1' } });
       await client.send(new TransactWriteItemsCommand({ TransactItems: [order, ...items] }));
       queue.consume(({ body }) => [{ ...order, Put: { TableName: body.order, Item: {} } }], { transaction: true });`,
      { module: 'nodenext', skipLibCheck: true, lib: ['es2022', 'dom', 'dom.iterable'] },
    );
    const dynamodb = await startTestDynamodb();
    const { messages, leases, queues } = dynamodb.tables;
    writeFileSync(
      join(project, 'direct.js'),
      `import { Dumbwaiter, DumbwaiterError } from 'dumbwaiter-queue';
       import { directTransport } from 'dumbwaiter-queue/direct';
       const credentials = { accessKeyId: 'a', secretAccessKey: 's' };
       const transport = directTransport({
         endpoint: process.argv[2], region: 'eu-central-1', credentials,
         tables: { messages: '${messages}', leases: '${leases}', queues: '${queues}' },
       });
       const queue = new Dumbwaiter({ transport }).queue('q-' + process.version.replaceAll('.', '-'));
       await queue.create();
       await queue.publish({ body: process.version });
       const [message] = await queue.receive();
       await message.ack();
       if (!(await queue.get('x').catch((error) => error) instanceof DumbwaiterError)) throw new Error('no typed error');
       console.log(message.body);
       await transport.close();`,
    );
    for (const [version, path] of await nodes()) {
      if (Number(/^v(\d+)/.exec(version)?.[1]) < 20) continue;
      expect(await run(path, ['direct.js', dynamodb.endpoint], project)).toBe(`${version}\n`);
    }
    await dynamodb.stop();
  });

  it('the package starts a server in the process of a test, as an ES module and by require', async () => {
    const program = `
      (async () => {
        const server = await startServer();
        const queue = new Dumbwaiter({ url: server.url, apiKey: server.key }).queue('q');
        await queue.create();
        await queue.publish({ body: 'hello' });
        console.log((await server.waitForMessage('q')).body);
        if (!(await queue.get('x').catch((error) => error) instanceof DumbwaiterError)) throw new Error('no typed error');
        await server.close();
      })();`;
    const imports = `import { Dumbwaiter, DumbwaiterError } from 'dumbwaiter-queue'; import { startServer } from 'dumbwaiter-queue/testing';`;
    const requires = `const { Dumbwaiter, DumbwaiterError } = require('dumbwaiter-queue'); const { startServer } = require('dumbwaiter-queue/testing');`;
    writeFileSync(join(project, 'testing.mjs'), imports + program);
    writeFileSync(join(project, 'testing.cjs'), requires + program);
    expect(await run(process.execPath, ['testing.mjs'], project)).toBe('hello\n');
    expect(await run(process.execPath, ['testing.cjs'], project)).toBe('hello\n');
    const oldNode = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '20.20.2' })`;
    await expect(run(process.execPath, ['--import', oldNode, 'testing.mjs'], project)).rejects.toThrow(
      'needs Node 22.13 or later, which has SQLite. This is Node 20.20.2.',
    );
  });

  it('TypeScript that knows no exports finds the types that require has', () => {
    const { main, types, typesVersions, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const { '.': all, './package.json': _, ...parts } = exports;
    expect({ types, default: main }).toEqual(all.require);
    const typesOf = ([path, { require }]: [string, typeof all]) => [path.slice('./'.length), [require.types]];
    expect(typesVersions['*']).toEqual(Object.fromEntries(Object.entries<typeof all>(parts).map(typesOf)));
  });

  it('the package works by require, with types for TypeScript programs that compile to CommonJS', async () => {
    link('@aws-sdk/client-dynamodb', '@aws-sdk/client-lambda', '@opentelemetry/api', 'aws-cdk-lib', 'constructs');
    writeFileSync(
      join(project, 'all.cjs'),
      `const { App, Stack } = require('aws-cdk-lib');
       const { DumbwaiterError } = require('dumbwaiter-queue');
       const { lambdaTransport } = require('dumbwaiter-queue/lambda');
       const { directTransport } = require('dumbwaiter-queue/direct');
       const { environmentTransport } = require('dumbwaiter-queue/aws');
       const { openTelemetry } = require('dumbwaiter-queue/otel');
       const { Dumbwaiter } = require('dumbwaiter-queue/cdk');
       const app = new App({ outdir: 'cdk-required.out' });
       new Dumbwaiter(new Stack(app, 'Orders'), 'Queue', { queues: { orders: { delaySeconds: 5 } } });
       app.synth();
       console.log([DumbwaiterError, lambdaTransport, directTransport, environmentTransport, openTelemetry].map((one) => typeof one).join());`,
    );
    expect(await run(process.execPath, ['all.cjs'], project)).toBe('function,function,function,function,function\n');
    await typeCheck(
      'check-require.cts',
      `import { Stack } from 'aws-cdk-lib';
       import { Dumbwaiter as Client, type ReceivedMessage } from 'dumbwaiter-queue';
       import { Dumbwaiter } from 'dumbwaiter-queue/cdk';
       import { startServer } from 'dumbwaiter-queue/testing';
       export const add = (stack: Stack) => new Dumbwaiter(stack, 'Queue');
       export async function first(): Promise<ReceivedMessage | undefined> {
         const { url, key, close }: { url: string; key: string; close(): Promise<void> } = await startServer({ port: 0 });
         const [message] = await new Client({ url, apiKey: key }).queue('q').receive();
         await close();
         return message;
       }`,
      {
        module: 'node16',
        skipLibCheck: true,
        lib: ['esnext', 'dom', 'dom.iterable'],
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
      },
    );
  });

  it('the package synthesizes its construct with the functions that it contains', async () => {
    link('aws-cdk-lib', 'constructs');
    writeFileSync(
      join(project, 'stack.js'),
      `import { App, Stack } from 'aws-cdk-lib';
       import { Dumbwaiter } from 'dumbwaiter-queue/cdk';
       const app = new App({ outdir: 'cdk.out' });
       new Dumbwaiter(new Stack(app, 'Orders'), 'Queue', { queues: { orders: { delaySeconds: 5 } }, console: true });
       try { new Dumbwaiter(new Stack(app, 'Wrong'), 'Queue', { queues: { orders: { delaySeconds: -1 } } }); } catch (error) { console.log(error.message); }
       app.synth();`,
    );
    expect(await run(process.execPath, ['stack.js'], project)).toContain('queues.orders.delaySeconds: must be');
    const assets = readdirSync(join(project, 'cdk.out')).filter((name) => name.startsWith('asset.'));
    expect(assets.length).toBeGreaterThan(0);
    for (const asset of assets) {
      const names = readdirSync(join(project, 'cdk.out', asset));
      expect(names).toContain('api.mjs');
      expect(names).not.toContain('servers.mjs');
    }
    // Only the api function has the console beside its code.
    const withConsole = assets.filter((asset) => existsSync(join(project, 'cdk.out', asset, 'console')));
    expect([withConsole.length, assets.length]).toEqual([1, 2]);
    expect(readdirSync(join(project, 'cdk.out', withConsole[0]!, 'console')).sort()).toEqual([
      'console.js',
      'index.html',
      'style.css',
    ]);
    await typeCheck(
      'check-cdk.ts',
      `import { Stack } from 'aws-cdk-lib';
       import { Dumbwaiter, type DumbwaiterProps } from 'dumbwaiter-queue/cdk';
       export const add = (stack: Stack, props: DumbwaiterProps) => new Dumbwaiter(stack, 'Queue', props);`,
      {
        module: 'nodenext',
        skipLibCheck: true,
        lib: ['es2022', 'dom', 'dom.iterable'],
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
      },
    );
  });
});

describe('the root import in a browser', () => {
  let code: string;
  let metafile: Metafile;

  beforeAll(async () => {
    const built = await build({
      entryPoints: [join(installed, 'dist/esm/index.js')],
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      platform: 'browser',
      target: 'es2022',
      format: 'iife',
      globalName: 'dumbwaiter',
    });
    code = built.outputFiles[0]?.text as string;
    metafile = built.metafile;
  });

  it('the root import consists of its own files and no package', () => {
    const imports = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
    expect(imports.filter(({ path, external }) => external || !/dumbwaiter-queue\/dist\/esm\//.test(path))).toEqual([]);
    const inputs = Object.keys(metafile.inputs).map((path) => basename(path));
    expect(inputs).toContain('index.js');
    expect(inputs.filter((name) => !/^(index|part-\w+)\.js$/.test(name))).toEqual([]);
    expect(code).not.toMatch(/zod|traceparent/i);
  });

  it(`the root import is small, at most ${browserBundleBytesMax} bytes minified`, () => {
    expect(code.length).toBeLessThanOrEqual(browserBundleBytesMax);
  });

  it('the root import publishes and consumes where only the globals of the web exist', async () => {
    const { AbortController, AbortSignal, DOMException, TextDecoder, TextEncoder, URL, URLSearchParams } = globalThis;
    const { atob, btoa, clearTimeout, console, fetch, queueMicrotask, setTimeout } = globalThis;
    const web = { AbortController, AbortSignal, DOMException, TextDecoder, TextEncoder, URL, URLSearchParams };
    const context = createContext({
      ...web,
      atob,
      btoa,
      clearTimeout,
      console,
      fetch,
      queueMicrotask,
      setTimeout,
      url: server.url,
    });
    runInContext(code, context);
    const handled = await runInContext(
      `(async () => {
        const queue = new dumbwaiter.Dumbwaiter({ url, apiKey: 'k' }).queue('q');
        await Promise.all([queue.publish({ body: 'w1' }), queue.publish({ body: 'w2' })]);
        const handled = [];
        const consumer = queue.consume(({ id }) => void handled.push(id), { visibilityTimeoutSeconds: 30, waitSeconds: 0 });
        await new Promise((resolve) => consumer.on('idle', resolve));
        await consumer.stop();
        return handled.join();
      })()`,
      context,
    );
    expect(handled).toBe('w1,w2');
    expect(queue.acked.slice(-2)).toEqual(['w1', 'w2']);
    expect(server.callsOf('publish').at(-1)?.input).toEqual({ messages: [{ body: 'w1' }, { body: 'w2' }] });
  });
});
