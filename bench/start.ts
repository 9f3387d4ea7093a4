/**
 * Measures how long the local server takes from its start to its first answer: from a clone, and from the package, of which
 * `npm run build` made the files. `npm` and `npx` add their own time. `npm run bench:start [-- --runs 5]`.
 */
import { parseArgs } from 'node:util';
import { fromPackage, residentMbOf, startLocalServer } from './local-server.ts';
import { against, table } from './table.ts';
import { firstAnswerMs } from './targets.ts';
import { cpuMsOf, median } from './timing.ts';

interface Start {
  ms: number;
  cpuMs: number;
  residentMb: number;
}

async function start(program?: readonly string[]): Promise<Start> {
  const startedAt = performance.now();
  const { url, pid, stop } = await startLocalServer(['--memory'], program);
  try {
    const response = await fetch(`${url}/v1/health`);
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return { ms: performance.now() - startedAt, cpuMs: cpuMsOf(pid), residentMb: residentMbOf(pid) };
  } finally {
    await stop();
  }
}

const { values } = parseArgs({ options: { runs: { type: 'string', default: '5' } } });
const runs = Number(values.runs);
const rows: (string | number)[][] = [];
for (const [name, program] of [['from a clone'], ['from the package', fromPackage]] as const) {
  // The first start compiles what the others find compiled.
  await start(program);
  const starts: Start[] = [];
  for (let run = 0; run < runs; run++) starts.push(await start(program));
  const of = (field: keyof Start) => median(starts.map((one) => one[field]));
  rows.push([name, Math.round(of('cpuMs')), against(of('ms'), firstAnswerMs, 0), Math.round(of('residentMb'))]);
}
console.log(`Start to first answer, median of ${runs}:\n`);
console.log(table(['program', 'CPU, ms', 'time, ms', 'resident, MB'], rows));
