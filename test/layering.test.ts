/** Holds what each folder may import, type imports included, and how long a file may be. The layout is in docs/design.md. */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const files = globSync('{aws,cli,console,contract,engine,sdk,direct,functions,infra,testing,bench,examples,test}/**/*.{ts,tsx}', {
  cwd: root,
  exclude: ['**/node_modules'],
})
  .filter((path) => path !== 'test/layering.test.ts')
  .sort();

/** Past this a file asks to be two. */
const linesMax = 250;
/** Files that may be longer, each with its reason. */
const longAllowed: readonly string[] = [
  // Every limit of the queue, in one list.
  'contract/limits.ts',
];
const forbiddenNames = /^(utils?|types?|common|helpers?)$/;

const part = (path: string) => path.split('/')[0] as string;

/** The engine's folders from the inside out. Each of these lists has the one before it. */
const dataAndContext = ['contract', 'engine/port', 'engine/engine.ts', 'engine/model', 'engine/context'];
const withRows = [...dataAndContext, 'engine/leases', 'engine/queues'];
const withRules = [...withRows, 'engine/lifecycle', 'engine/permits', 'engine/messages'];
const withCalls = [...withRules, 'engine/receive', 'engine/publish', 'engine/redrive', 'engine/schedules', 'engine/topics'];

/**
 * The map of the source: each folder, and what it may import besides itself, type imports included. A file by its name is a room of its own.
 * Examples, benches and tests may import everything. `docs/design.md` says what each folder is for.
 */
const rooms: { [folder: string]: readonly string[] } = {
  aws: [],
  contract: [],
  'contract/schemas': ['contract'],
  'engine/port': ['contract'],
  'engine/engine.ts': ['contract', 'engine/port'],
  'engine/model': ['contract', 'engine/port'],
  'engine/context': dataAndContext,
  'engine/leases': dataAndContext,
  'engine/queues': dataAndContext,
  'engine/lifecycle': withRows,
  'engine/permits': withRows,
  'engine/messages': [...withRows, 'engine/lifecycle'],
  'engine/receive': withRules,
  'engine/publish': withRules,
  'engine/redrive': withRules,
  'engine/schedules': [...withRows, 'engine/publish', 'engine/schedules/cron.ts'],
  'engine/topics': [
    ...withRows,
    'engine/lifecycle',
    'engine/permits',
    'engine/messages',
    'engine/publish',
    'engine/topics/filter-limits.ts',
  ],
  'engine/schedules/cron.ts': ['contract', 'engine/schedules'],
  'engine/topics/filter-limits.ts': ['contract', 'engine/topics'],
  'engine/sweep': withCalls,
  'engine/operations': withCalls,
  'engine/create.ts': [...withCalls, 'contract/schemas', 'engine/sweep', 'engine/operations'],
  'engine/dynamo': ['aws', 'contract', 'engine/port'],
  'engine/memory': ['contract', 'engine/port'],
  'engine/sqlite': ['contract', 'engine/port'],
  'engine/simulation': ['contract', 'engine/port', 'engine/memory'],
  'sdk/calls': ['contract'],
  'sdk/transports': ['contract', 'sdk/calls'],
  'sdk/consumer': ['contract', 'sdk/calls'],
  'sdk/client': ['contract', 'sdk/calls', 'sdk/transports', 'sdk/consumer'],
  'sdk/otel': ['contract', 'sdk/calls'],
  'sdk/aws': ['aws', 'contract', 'sdk/calls', 'sdk/transports'],
  'sdk/index.ts': ['contract', 'sdk/calls', 'sdk/transports', 'sdk/consumer', 'sdk/client'],
  direct: ['contract', 'sdk/calls', 'engine'],
  'functions/auth': ['contract', 'engine/port'],
  'functions/service': ['contract', 'contract/schemas', 'functions/auth', 'engine/engine.ts', 'engine/model', 'engine/port'],
  'functions/push': ['contract', 'engine/model', 'engine/port', 'engine/engine.ts', 'functions/service'],
  'functions/wake': ['contract', 'contract/schemas', 'engine/engine.ts', 'engine/port', 'functions/auth'],
  cli: ['contract', 'sdk/calls', 'sdk/transports', 'functions/local', 'functions/serve', 'cli/commands'],
  'cli/commands': ['contract', 'sdk/calls', 'cli', 'functions/local', 'functions/serve'],
  'console/state': ['contract', 'sdk/transports'],
  'console/parts': ['contract', 'console/state'],
  'console/pages': ['contract', 'sdk/calls', 'console/state', 'console/parts'],
  console: ['contract', 'console/state', 'console/parts', 'console/pages'],
  'console/build.ts': [],
  'functions/metrics': ['contract', 'engine/engine.ts', 'engine/port', 'engine/model'],
  'functions/errors': ['contract', 'functions/service', 'engine/port'],
  'functions/openapi': ['contract', 'contract/schemas', 'functions/errors'],
  'functions/http': ['contract', 'functions/openapi', 'functions/errors', 'functions/service', 'functions/auth'],
  'functions/sqs': ['aws', 'contract', 'engine/model', 'engine/port', 'engine/engine.ts', 'functions/service', 'functions/auth'],
  'functions/sqs/actions': ['contract', 'functions/sqs'],
  'functions/sqs/face.ts': ['contract', 'functions/errors', 'functions/service', 'functions/http', 'functions/sqs'],
  'functions/assembly.ts': [
    'contract',
    'engine',
    'functions/auth',
    'functions/metrics',
    'functions/push',
    'functions/service',
    'functions/sqs',
    'functions/wake',
  ],
  'functions/lambda': ['aws', 'contract', 'engine', 'functions'],
  'functions/local': ['contract', 'engine', 'functions'],
  'functions/serve': ['aws', 'contract', 'engine', 'functions'],
  testing: ['contract', 'engine', 'functions'],
  'functions/servers.ts': ['functions/local', 'functions/serve', 'testing'],
  infra: [
    'contract',
    'contract/schemas',
    'engine/port',
    'engine/schedules/cron.ts',
    'engine/topics/filter-limits.ts',
    'console/build.ts',
  ],
};

const roomOf = (path: string) => (path in rooms ? path : dirname(path));

/** Whether one file may import another. A folder stands for those within it, too. */
function mayImport(from: string, to: string): boolean {
  if (['examples', 'bench', 'test'].includes(part(from))) return true;
  const [room, other] = [roomOf(from), roomOf(to)];
  return (
    room === other ||
    (rooms[room] ?? []).some((allowed) => other === allowed || (allowed !== 'contract' && other.startsWith(`${allowed}/`)))
  );
}

/** Whether a file may import a package, or a module of Node's own. */
function mayRequire(from: string, specifier: string): boolean {
  const builtin = specifier.startsWith('node:');
  switch (part(from)) {
    case 'aws':
      return builtin;
    case 'contract':
      return from.startsWith('contract/schemas/') && specifier === 'zod';
    case 'sdk':
      return (
        (from === 'sdk/transports/lambda.ts' && specifier === '@aws-sdk/client-lambda') ||
        (from.startsWith('sdk/otel/') && specifier === '@opentelemetry/api')
      );
    case 'engine':
      return (
        builtin ||
        (from === 'engine/schedules/cron.ts' && specifier === 'croner') ||
        (from.startsWith('engine/dynamo/') && specifier.startsWith('@aws-sdk/'))
      );
    default:
      return true;
  }
}

/** The modules that a source text names: imports and exports, also of types, over several lines, and `import(…)`. */
function importsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|(?<=^|[\s;{}(),])\/\/[^\n]*/g, '');
  const statement = /(?:^|[;\n])\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*(['"])([^'"\n]+)\1/g;
  const expression = /\bimport\s*\(\s*(['"])([^'"\n]+)\1/g;
  return [...code.matchAll(statement), ...code.matchAll(expression)].map((match) => match[2] as string);
}

const edges = files.flatMap((from) =>
  importsOf(readFileSync(join(root, from), 'utf8')).map((specifier) => ({
    from,
    specifier,
    to: specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : undefined,
  })),
);

describe('the source', () => {
  it('is read for what it imports', () => {
    const source = [
      "import a from './a.ts';",
      "import {\n  b,\n  type C,\n} from './b.ts';",
      "import type { D } from './d.ts';",
      "export * from './e.ts';",
      "export {\n  type F,\n} from './f.ts';",
      "import './g.ts';",
      "const h = await import('./h.ts');",
      "type I = import('./i.ts').I;",
      "// import x from './no.ts';",
      "/* import y from './no.ts'; */",
      "export const text = 'not from here';",
    ].join('\n');
    expect(importsOf(source)).toEqual(['a', 'b', 'd', 'e', 'f', 'g', 'h', 'i'].map((name) => `./${name}.ts`));
  });

  it('imports only files that exist, by their full names', () => {
    expect(edges.filter(({ to }) => to !== undefined && !files.includes(to) && !/\.(json|mjs)$/.test(to))).toEqual([]);
  });

  it('has a rule for each folder, and no rule for a folder that is not there', () => {
    const found = new Set(files.filter((path) => !['examples', 'bench', 'test'].includes(part(path))).map(roomOf));
    expect([...found].sort()).toEqual(Object.keys(rooms).sort());
  });

  it('points in one direction', () => {
    const wrong = edges.filter(({ from, to }) => to !== undefined && !mayImport(from, to));
    const allowed = (from: string) => (rooms[roomOf(from)] ?? []).join(', ');
    expect(wrong.map(({ from, to }) => `${from} → ${to}; it may import ${allowed(from)}`)).toEqual([]);
  });

  it('needs no package but where the design says so', () => {
    const wrong = edges.filter(({ from, specifier, to }) => to === undefined && !mayRequire(from, specifier));
    expect(wrong.map(({ from, specifier }) => `${from} → ${specifier}`)).toEqual([]);
  });

  it('has no cycle', () => {
    const importsBy = Map.groupBy(
      edges.filter(({ to }) => to !== undefined),
      ({ from }) => from,
    );
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: string[]) => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (done.has(file) || path.includes(file)) return;
      for (const { to } of importsBy.get(file) ?? []) visit(to as string, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it(`has no file of more than ${linesMax} lines`, () => {
    const lines = (file: string) => readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length;
    const long = files.filter((file) => part(file) !== 'test' && !longAllowed.includes(file) && lines(file) > linesMax);
    expect(long.map((file) => `${file}: ${lines(file)}`)).toEqual([]);
  });

  it('has no drawer for odds and ends', () => {
    const names = (file: string) =>
      relative('.', file)
        .split('/')
        .map((name) => basename(name, '.ts'));
    expect(files.filter((file) => names(file).some((name) => forbiddenNames.test(name)))).toEqual([]);
  });
});
