/**
 * Records the DynamoDB calls that the queue makes, so that bare-calls.ts can make the same ones without the queue. Calls are kept by
 * flow: one publish, or one receive with the ack of what it returned. A flow is a list of rounds: calls of one round overlapped.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { DynamoClient } from '../engine/dynamo/client.ts';
import type { Answers } from '../engine/dynamo/requests.ts';
import { type Load, type Transport, throughput } from './throughput.ts';

export interface RecordedCall {
  operation: keyof Answers;
  input: object;
}

interface Flow {
  rounds: RecordedCall[][];
  /** Calls that are not answered yet. */
  open: number;
}

export interface Recording {
  /** How many messages the calls publish, and receive and ack. */
  messages: number;
  publish: RecordedCall[][][];
  receiveAndAck: RecordedCall[][][];
}

/** `transportBy`: a transport that calls the queue in this process, whose store uses the given client. */
export async function recordCalls(
  client: DynamoClient,
  transportBy: (client: DynamoClient) => Transport,
  load: Load,
): Promise<Recording> {
  const current = new AsyncLocalStorage<Flow>();
  const recorded = { publish: [] as Flow[], receiveAndAck: [] as Flow[] };
  const flowOfReceipt = new Map<string, Flow>();
  const transport = transportBy({
    async call(operation, input, options) {
      const flow = current.getStore();
      if (flow === undefined) return client.call(operation, input, options);
      if (flow.open++ === 0) flow.rounds.push([]);
      flow.rounds.at(-1)!.push({ operation, input });
      try {
        return await client.call(operation, input, options);
      } finally {
        flow.open--;
      }
    },
    destroy: () => {},
  });

  function begin(step: keyof typeof recorded): Flow {
    const flow = { rounds: [], open: 0 };
    recorded[step].push(flow);
    return flow;
  }

  const recording: Transport = {
    createQueue: (queue) => transport.createQueue(queue),
    publish: (queue, bodies) => current.run(begin('publish'), () => transport.publish(queue, bodies)),
    async receive(queue, max) {
      const flow = begin('receiveAndAck');
      const receipts = await current.run(flow, () => transport.receive(queue, max));
      for (const receipt of receipts) flowOfReceipt.set(receipt, flow);
      return receipts;
    },
    ack: (queue, receipts) => current.run(flowOfReceipt.get(receipts[0]!)!, () => transport.ack(queue, receipts)),
  };
  await throughput(recording, load, async () => ({}));
  const roundsOf = (flows: Flow[]) => flows.map(({ rounds }) => rounds);
  return {
    messages: load.messages,
    publish: roundsOf(recorded.publish),
    receiveAndAck: roundsOf(recorded.receiveAndAck),
  };
}
