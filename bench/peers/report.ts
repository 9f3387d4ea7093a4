/** Prints the table of `peers.ts`, with the ratios that Dumbwaiter is held to. */
import { against, table } from '../table.ts';
import { median } from '../timing.ts';

export interface Row {
  name: string;
  step: 'send' | 'receive and delete';
  batch: number;
  perSecond: number;
  serverCpuMs: number;
}

const measuredName = 'Dumbwaiter';
/** The least share of a peer's messages per second. */
const targets: Record<string, number> = { ElasticMQ: 1.5, fauxqs: 1 };

export function printPeers(rows: readonly Row[]): void {
  const cases = [...Map.groupBy(rows, ({ step, batch }) => `${step}, ${batch === 1 ? 'one by one' : 'in tens'}`)];
  const lines = cases.flatMap(([what, ofCase]) => {
    const names = [...new Set(ofCase.map(({ name }) => name))];
    const of = (name: string, field: 'perSecond' | 'serverCpuMs') =>
      median(ofCase.filter((row) => row.name === name).map((row) => row[field]));
    return names.map((name) => {
      const ratio = of(measuredName, 'perSecond') / of(name, 'perSecond');
      const target = targets[name] === undefined ? undefined : { atLeast: targets[name] };
      const share = name === measuredName ? '' : against(ratio, target, 2);
      return [what, name, Math.round(of(name, 'perSecond')), of(name, 'serverCpuMs').toFixed(2), share];
    });
  });
  console.log(table(['', 'server', 'messages/s', 'server CPU, ms a message', 'Dumbwaiter to this one'], lines));
}
