/** One process of a history: makes the calls that its plan says, with the receipts that it happens to hold. */
import { createEngine } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import type { SimulatedProcess } from '../../engine/simulation.ts';
import type { PublishEntry, ReceivedMessage, TransactionItem } from '../../sdk/contract.ts';
import { DumbwaiterError } from '../../sdk/errors.ts';
import { bodyOf } from './bodies.ts';
import type { Choice, PlannedQueue, Step } from './plan.ts';
import { publishersOf } from './publishers.ts';
import { scheduleChangeOf, scheduleOf } from './schedules.ts';
import { type Given, transact } from './transacting.ts';
import type { World } from './world.ts';

interface Held {
  queue: string;
  message: ReceivedMessage;
}

const usedMax = 30;
const pagesMax = 5;

/** What the next incarnation of a process goes on with. */
export interface Progress {
  at: number;
}

/** Takes the steps from where the progress says, and notes each before it is begun: one that kills is not begun again. */
export async function takeSteps(
  world: World,
  process: SimulatedProcess,
  steps: readonly Step[],
  progress: Progress,
): Promise<void> {
  const caller = createCaller(world, process);
  while (progress.at < steps.length) {
    const step = steps[progress.at++]!;
    world.count(`step ${step.do}`);
    await caller.take(step);
  }
  await caller.end();
}

export function engineOf(world: World, process: SimulatedProcess): Engine {
  return createEngine({
    store: process.store,
    clock: process.clock,
    random: process.random,
    observe: world.observe,
    startRedrive: world.startRedrive,
    checkBack: publishersOf(world, process),
    transactionItem: (write) => write as unknown as TransactionItem,
  });
}

function createCaller(world: World, process: SimulatedProcess) {
  const by = { process: process.name, engine: engineOf(world, process) };
  const { random } = process;
  const { recorder, shared } = world;
  const held: Held[] = [];
  const used: Held[] = [];
  const aside: Promise<void>[] = [];

  const chance = (share: number) => random.number() < share;
  const one = <T>(values: readonly T[]): T | undefined => values[Math.floor(random.number() * values.length)];
  const some = <T>(values: readonly T[]): T[] => values.filter(() => chance(0.5));

  function chosen(which: Choice): Held[] {
    if (which === 'all') return [...held];
    if (which === 'one') return held.length > 0 ? [one(held)!] : [];
    if (which === 'some') return [...some(held), ...(chance(0.2) ? some(used).slice(0, 2) : [])];
    return [...some(used), ...(chance(0.3) ? some(held) : [])];
  }

  /** Hands the receipts of each queue to `use`; they are used from then on, unless they are kept. */
  async function withReceipts(
    which: Choice,
    use: (queue: string, receipts: string[], given: readonly Held[]) => Promise<unknown>,
    keep = false,
  ): Promise<void> {
    const byQueue = Map.groupBy(chosen(which), ({ queue }) => queue);
    if (!keep) {
      for (const each of [...byQueue.values()].flat()) {
        if (held.includes(each)) held.splice(held.indexOf(each), 1);
        else if (used.includes(each)) used.splice(used.indexOf(each), 1);
        used.push(each);
      }
      used.splice(0, used.length - usedMax);
    }
    for (const [queue, given] of byQueue) {
      const receipts = given.map(({ message }) => message.receipt);
      await use(queue, chance(0.05) ? [...receipts, receipts[0]!] : receipts, given);
    }
  }

  async function receive(step: Extract<Step, { do: 'receive' }>): Promise<void> {
    const { queue, max, visibilityTimeoutSeconds, waitSeconds } = step;
    const input = {
      max,
      ...(visibilityTimeoutSeconds === undefined ? {} : { visibilityTimeoutSeconds }),
      ...(waitSeconds === undefined ? {} : { waitSeconds }),
    };
    const output = await recorder.call(by, 'receive', { queue }, input);
    for (const message of output?.messages ?? []) {
      held.push({ queue, message });
      if (visibilityTimeoutSeconds !== 0 && Date.parse(message.leasedUntil) <= process.clock.now()) {
        world.fail(
          'lease-is-live',
          `${process.name} was given a lease of message ${message.id} that was over at ${message.leasedUntil}`,
        );
      }
    }
  }

  async function publish({ queue, messages }: Extract<Step, { do: 'publish' }>): Promise<void> {
    const entries = messages.map(({ number, chars, ...rest }): PublishEntry => ({ body: bodyOf(number, chars), ...rest }));
    const output = await recorder.call(by, 'publish', { queue }, { messages: entries });
    for (const [index, result] of (output?.results ?? []).entries()) {
      if (!result.ok) continue;
      if (entries[index]!.prepared) shared.prepared.push({ queue, id: result.id });
      shared.ids.push(result.id);
      shared.published.push({ queue, id: result.id });
    }
  }

  async function read({ queue, how }: Extract<Step, { do: 'read' }>): Promise<void> {
    if (how === 'counts') {
      await recorder.call(by, 'getQueue', { queue }, {});
      return;
    }
    if (how === 'message') {
      const id = one(shared.ids);
      if (id !== undefined) await recorder.call(by, 'getMessage', { queue, id }, {});
      return;
    }
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax; page++) {
      const input = { limit: 1 + Math.floor(random.number() * 10), ...(cursor === undefined ? {} : { cursor }) };
      const output = await recorder.call(by, 'peek', { queue }, input);
      cursor = output?.cursor;
      if (cursor === undefined) return;
    }
  }

  async function redrive(step: Extract<Step, { do: 'redrive' }>): Promise<void> {
    const { queue, toQueue, onlySome, ratePerSecond } = step;
    const ids = [...new Set(some(shared.ids))].slice(0, 10);
    const input = {
      ...(toQueue === undefined ? {} : { toQueue }),
      ...(onlySome && ids.length > 0 ? { ids } : {}),
      ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
    };
    const task = await recorder.call(by, 'redrive', { queue }, input);
    if (task) shared.tasks.push({ queue, task: task.id });
  }

  function ack({ which, result }: Extract<Step, { do: 'ack' }>): Promise<void> {
    const given = result === undefined ? {} : { result: bodyOf(result.number, result.chars) };
    return withReceipts(which, async (queue, receipts, messages) => {
      const output = await recorder.call(by, 'ack', { queue }, { receipts, ...given });
      // Once more, with another result, which is to count for nothing.
      if (result && chance(0.5)) await recorder.call(by, 'ack', { queue }, { receipts, result: bodyOf(-result.number, 0) });
      const done = messages.filter((_, index) => output?.results[index]?.ok);
      shared.ended.push(...done.map(({ message }) => ({ queue, id: message.id })));
    });
  }

  async function look({ waitSeconds }: Extract<Step, { do: 'look' }>): Promise<void> {
    const message = chance(0.7) ? one(shared.ended) : one(shared.published);
    if (message) await recorder.call(by, 'getMessage', message, waitSeconds === undefined ? {} : { waitSeconds });
  }

  /** One of those published, the last ones rather: in its queue, or where it may have died. */
  function anyMessage(): { queue: string; id: string } | undefined {
    const message = chance(0.5) ? one(shared.published.slice(-10)) : one(shared.published);
    if (!message) return undefined;
    const { queues } = world.plan;
    return chance(0.2) ? { ...message, queue: one(queues)!.name } : message;
  }

  async function cancel({ force }: Extract<Step, { do: 'cancel' }>): Promise<void> {
    const message = anyMessage();
    if (!message) return;
    const output = await recorder.call(by, 'cancelMessage', message, force === undefined ? {} : { force });
    if (output) shared.ended.push(message);
  }

  async function decide({ decision }: Extract<Step, { do: 'decide' }>): Promise<void> {
    const message = chance(0.7) ? one(shared.prepared.slice(-6)) : one(shared.prepared);
    if (!message) return;
    if (decision === 'commit') await recorder.call(by, 'commitMessage', message, {});
    else await recorder.call(by, 'rollbackMessage', message, {});
  }

  async function change(step: Extract<Step, { do: 'change' }>): Promise<void> {
    const { number, chars = 0, delaySeconds, priority } = step;
    const message = anyMessage();
    const input = {
      ...(number === undefined ? {} : { body: bodyOf(number, chars) }),
      ...(delaySeconds === undefined ? {} : { delaySeconds }),
      ...(priority === undefined ? {} : { priority }),
    };
    if (message) await recorder.call(by, 'updateMessage', message, input);
  }

  async function inTransaction(step: Extract<Step, { do: 'transact' }>): Promise<void> {
    const given: Given[] = [];
    if (step.which) await withReceipts(step.which, async (queue, receipts) => void given.push({ queue, receipts }));
    await transact(world, process, by.engine, step, given);
  }

  async function loseClock({ queue, skewMs }: Extract<Step, { do: 'loseClock' }>): Promise<void> {
    await Promise.all(aside);
    const before = process.skewMs;
    process.skewMs = skewMs;
    const output = await recorder.call(by, 'receive', { queue }, { max: 5 });
    process.skewMs = before;
    if (output && output.messages.length > 0)
      world.fail('trusted-clock', `a receive was answered by a clock that was off by ${skewMs} ms`);
  }

  async function remake(queue: PlannedQueue): Promise<void> {
    await recorder.call(by, 'deleteQueue', { queue: queue.name }, {});
    await recorder.call(by, 'createQueue', { queue: queue.name }, queue.settings);
  }

  function run(step: Step): Promise<unknown> {
    switch (step.do) {
      case 'publish':
        return publish(step);
      case 'receive':
        return receive(step);
      case 'ack':
        return ack(step);
      case 'release': {
        const { which, delaySeconds, failed } = step;
        const input = { ...(delaySeconds === undefined ? {} : { delaySeconds }), ...(failed === undefined ? {} : { failed }) };
        return withReceipts(which, (queue, receipts) => recorder.call(by, 'release', { queue }, { receipts, ...input }));
      }
      case 'extend': {
        const { which, visibilityTimeoutSeconds } = step;
        const input = visibilityTimeoutSeconds === undefined ? {} : { visibilityTimeoutSeconds };
        return withReceipts(which, (queue, receipts) => recorder.call(by, 'extend', { queue }, { receipts, ...input }), true);
      }
      case 'look':
        return look(step);
      case 'cancel':
        return cancel(step);
      case 'change':
        return change(step);
      case 'decide':
        return decide(step);
      case 'schedule':
        return recorder.call(by, 'putSchedule', { name: step.name }, scheduleOf(step, process.clock.now()));
      case 'reschedule':
        return recorder.call(by, 'updateSchedule', { name: step.name }, scheduleChangeOf(step.change));
      case 'unschedule':
        return recorder.call(by, 'deleteSchedule', { name: step.name }, {});
      case 'transact':
        return inTransaction(step);
      case 'wait':
        return process.clock.sleep(step.ms);
      case 'sweep':
        return sweepOnce(world, process, by.engine);
      case 'purge':
        return recorder.call(by, 'purge', { queue: step.queue }, {});
      case 'redrive':
        return redrive(step);
      case 'cancelRedrive': {
        const last = shared.tasks.at(-1);
        return last ? recorder.call(by, 'cancelRedrive', last, {}) : Promise.resolve();
      }
      case 'read':
        return read(step);
      case 'update':
        return recorder.call(by, 'updateQueue', { queue: step.queue }, step.settings);
      case 'remake':
        return remake(world.plan.queues.find(({ name }) => name === step.queue)!);
      case 'die':
        process.kill();
        return new Promise(() => {});
      case 'setClock':
        process.skewMs = step.skewMs;
        return Promise.resolve();
      case 'loseClock':
        return loseClock(step);
    }
  }

  return {
    async take(step: Step): Promise<void> {
      const done = world.noteDefects(process.name, async () => void (await run(step)));
      if ('aside' in step && step.aside) aside.push(done);
      else await done;
    },
    end: async () => void (await Promise.all(aside)),
  };
}

const sweepMsMax = 50_000;

/** What an invocation of the sweep does; that it fails is no matter, another comes. */
export async function sweepOnce(world: World, process: SimulatedProcess, engine: Engine): Promise<void> {
  world.count('sweeps');
  try {
    const { queues } = await engine.sweep({ until: process.clock.now() + sweepMsMax });
    for (const { removed, deadLettered } of queues) {
      world.count('rows removed by sweeps', removed);
      world.count('dead-lettered by sweeps', deadLettered);
    }
  } catch (error) {
    if (!(error instanceof DumbwaiterError)) throw error;
  }
}
