/** The package as npm packs it. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..', '..');

/** What is packed, or needed to build it. */
const parts = [
  'aws',
  'contract',
  'engine',
  'sdk',
  'cli',
  'console',
  'direct',
  'functions',
  'infra',
  'testing',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'LICENSE',
];

export interface PackedPackage {
  /** Its path. */
  tarball: string;
  /** Bytes of the tarball. */
  size: number;
  unpackedSize: number;
}

/** Leaves the tarball in this folder. */
export async function packPackage(work: string): Promise<PackedPackage> {
  // From a copy: packing clears dist/, which other tests may be reading.
  const stage = join(work, 'stage');
  mkdirSync(stage);
  for (const name of parts) cpSync(join(root, name), join(stage, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(stage, 'node_modules'));
  // The build prints to stdout before the report.
  const report = await runProgram('npm', ['pack', '--json', '--pack-destination', work], stage);
  const [packed] = Object.values<PackedPackage>(JSON.parse(report.slice(report.search(/^[[{]/m))));
  return { ...packed!, tarball: join(work, readdirSync(work).find((name) => name.endsWith('.tgz'))!) };
}

/** Resolves with the text printed to stdout. Rejects with all that was printed. */
export async function runProgram(program: string, args: string[], cwd: string, env?: Record<string, string>): Promise<string> {
  try {
    const options = { cwd, maxBuffer: 1 << 26, ...(env && { env: { ...process.env, ...env } }) };
    return (await promisify(execFile)(program, args, options)).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed\n${stdout}\n${stderr}`, { cause: error });
  }
}
