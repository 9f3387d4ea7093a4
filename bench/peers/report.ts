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

/** The two APIs of Dumbwaiter. */
export const measured = { http: 'Dumbwaiter', sqs: 'Dumbwaiter (SQS)' };
/** The least share of a peer's messages per second, for each. */
const targets: Record<string, Record<string, number>> = {
  [measured.http]: { ElasticMQ: 1.5, fauxqs: 1 },
  [measured.sqs]: { ElasticMQ: 1.2, fauxqs: 1 },
};

export function printPeers(rows: readonly Row[]): void {
  const cases = [...Map.groupBy(rows, ({ step, batch }) => `${step}, ${batch === 1 ? 'one by one' : 'in tens'}`)];
  const lines = cases.flatMap(([what, ofCase]) => {
    const names = [...new Set(ofCase.map(({ name }) => name))];
    const of = (name: string, field: 'perSecond' | 'serverCpuMs') =>
      median(ofCase.filter((row) => row.name === name).map((row) => row[field]));
    const share = (own: string, name: string) => {
      const atLeast = targets[own]![name];
      return atLeast === undefined ? '' : against(of(own, 'perSecond') / of(name, 'perSecond'), { atLeast }, 2);
    };
    return names.map((name) => [
      what,
      name,
      Math.round(of(name, 'perSecond')),
      of(name, 'serverCpuMs').toFixed(2),
      ...Object.values(measured).map((own) => share(own, name)),
    ]);
  });
  const head = ['', 'server', 'messages/s', 'server CPU, ms a message'];
  console.log(table([...head, ...Object.values(measured).map((own) => `${own} to this one`)], lines));
}
