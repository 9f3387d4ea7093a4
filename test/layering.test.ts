/** Holds the direction of dependency that docs/design.md draws, type imports included. */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const files = globSync('{contract,engine,sdk,direct,functions,infra,bench,examples,test}/**/*.ts', { cwd: root })
  .filter((path) => path !== 'test/layering.test.ts')
  .sort();

/** Past this a file asks to be two. */
const linesMax = 250;
/** Files that may be longer, each with its reason. */
const longAllowed: readonly string[] = ['engine/lifecycle/moves.ts'];
const forbiddenNames = /^(utils?|types?|common|helpers?)$/;

/** What the engine, the functions and every transport share with the client. */
const isContract = (path: string) => path.startsWith('contract/');
const part = (path: string) => path.split('/')[0] as string;

/** Whether one file may import another. */
function mayImport(from: string, to: string): boolean {
  if (isContract(from)) return isContract(to);
  switch (part(from)) {
    case 'sdk':
      return part(to) === 'sdk' || isContract(to);
    case 'direct':
      return ['direct', 'engine', 'sdk'].includes(part(to)) || isContract(to);
    case 'engine':
      return part(to) === 'engine' || isContract(to);
    case 'functions':
      return ['functions', 'engine'].includes(part(to)) || isContract(to);
    case 'infra':
      return part(to) === 'infra' || isContract(to) || to === 'engine/port/port.ts';
    default:
      return true;
  }
}

/** Whether a file may import a package, or a module of Node's own. */
function mayRequire(from: string, specifier: string): boolean {
  const builtin = specifier.startsWith('node:');
  switch (part(from)) {
    case 'contract':
      return from.startsWith('contract/schemas/') && specifier === 'zod';
    case 'sdk':
      return from === 'sdk/transports/lambda.ts' && specifier === '@aws-sdk/client-lambda';
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

  it('points in one direction', () => {
    const wrong = edges.filter(({ from, to }) => to !== undefined && !mayImport(from, to));
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
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
