/** One process of a history: makes the calls of its plan, with the receipts that it holds. */
import type { SimulatedProcess } from '../../../engine/simulation/simulation.ts';
import { bodyOf } from '../plan/bodies.ts';
import { drawing } from '../plan/drawing.ts';
import { entriesOf } from '../plan/entries.ts';
import type { PlannedQueue, Step } from '../plan/plan.ts';
import { scheduleChangeOf, scheduleOf } from '../plan/schedules.ts';
import { sweepOnce } from './background.ts';
import { createStepsById } from './by-id.ts';
import { engineOf } from './processes.ts';
import { createReceipts } from './receipts.ts';
import { createTopicSteps } from './topics.ts';
import { type Given, transact } from './transacting.ts';
import type { World } from './world.ts';

const pagesMax = 5;

/** Where the replacement of a killed process continues. */
export interface Progress {
  at: number;
}

/** Takes the remaining steps. A step counts as taken before it begins, so that a step that kills is not repeated. */
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

function createCaller(world: World, process: SimulatedProcess) {
  const by = { process: process.name, engine: engineOf(world, process) };
  const draw = drawing(process.random);
  const { chance, whole, some } = draw;
  const { recorder, shared } = world;
  const receipts = createReceipts(draw);
  const byId = createStepsById(world, { ...by, clock: process.clock }, draw);
  const topics = createTopicSteps(world, { ...by, clock: process.clock }, draw);
  const concurrent: Promise<void>[] = [];

  async function receive(step: Extract<Step, { do: 'receive' }>): Promise<void> {
    const { queue, max, visibilityTimeoutSeconds, waitSeconds, attempt } = step;
    const input = {
      max,
      ...(visibilityTimeoutSeconds === undefined ? {} : { visibilityTimeoutSeconds }),
      ...(waitSeconds === undefined ? {} : { waitSeconds }),
      // A process that replaces a killed one repeats its receives.
      ...(attempt === undefined ? {} : { attemptId: `${process.name.split('.')[0]}-${attempt}` }),
    };
    const output = await recorder.call(by, 'receive', { queue }, input);
    for (const message of output?.messages ?? []) {
      receipts.hold(queue, message);
      topics.noteReceived(queue, message);
      if (visibilityTimeoutSeconds !== 0 && Date.parse(message.leasedUntil) <= process.clock.now()) {
        world.fail(
          'lease-is-live',
          `${process.name} received message ${message.id} with a lease that had ended at ${message.leasedUntil}`,
        );
      }
    }
  }

  async function publish({ queue, messages }: Pick<Extract<Step, { do: 'publish' }>, 'queue' | 'messages'>): Promise<void> {
    const entries = entriesOf(messages, process.clock.now());
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
    if (how === 'message') return byId.read(queue);
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax; page++) {
      const input = { limit: 1 + whole(10), ...(cursor === undefined ? {} : { cursor }) };
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
    const resultInput = result === undefined ? {} : { result: bodyOf(result.number, result.chars) };
    return receipts.use(which, async (queue, used, messages) => {
      const output = await recorder.call(by, 'ack', { queue }, { receipts: used, ...resultInput });
      // A repeated ack with another result must not change the first result.
      if (result && chance(0.5)) {
        await recorder.call(by, 'ack', { queue }, { receipts: used, result: bodyOf(-result.number, 0) });
      }
      const done = messages.filter((_, index) => output?.results[index]?.ok);
      shared.ended.push(...done.map(({ id }) => ({ queue, id })));
    });
  }

  async function inTransaction(step: Extract<Step, { do: 'transact' }>): Promise<void> {
    const given: Given[] = [];
    if (step.which) await receipts.use(step.which, async (queue, used) => void given.push({ queue, receipts: used }));
    await transact(world, process, by.engine, step, given);
  }

  async function loseClock({ queue, skewMs }: Extract<Step, { do: 'loseClock' }>): Promise<void> {
    await Promise.all(concurrent);
    const before = process.skewMs;
    process.skewMs = skewMs;
    const output = await recorder.call(by, 'receive', { queue }, { max: 5 });
    process.skewMs = before;
    if (output && output.messages.length > 0)
      world.fail('trusted-clock', `a receive delivered messages while its clock was off by ${skewMs} ms`);
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
        const { do: _, which, concurrent: __, ...input } = step;
        return receipts.use(which, (queue, used) => recorder.call(by, 'release', { queue }, { receipts: used, ...input }));
      }
      case 'extend': {
        const { which, visibilityTimeoutSeconds } = step;
        const input = visibilityTimeoutSeconds === undefined ? {} : { visibilityTimeoutSeconds };
        return receipts.use(which, (queue, used) => recorder.call(by, 'extend', { queue }, { receipts: used, ...input }), true);
      }
      case 'look':
        return byId.look(step);
      case 'replace':
        return byId.replace(step, publish);
      case 'cancel':
        return byId.cancel(step);
      case 'releaseById':
        return byId.releaseById(step, receipts);
      case 'change':
        return byId.change(step);
      case 'decide':
        return byId.decide(step);
      case 'schedule':
        return recorder.call(by, 'putSchedule', { name: step.name }, scheduleOf(step, process.clock.now()));
      case 'reschedule':
        return recorder.call(by, 'updateSchedule', { name: step.name }, scheduleChangeOf(step.change));
      case 'unschedule':
        return recorder.call(by, 'deleteSchedule', { name: step.name }, {});
      case 'subscribe':
        return topics.subscribe(step);
      case 'unsubscribe':
        return recorder.call(by, 'unsubscribe', { topic: step.topic, subscription: step.name }, {});
      case 'changeTerms':
        return recorder.call(by, 'updateSubscription', { topic: step.topic, subscription: step.name }, step.terms);
      case 'publishToTopic':
        return topics.publish(step);
      case 'decidePublication':
        return topics.decide(step);
      case 'remakeTopic':
        return topics.remake(step);
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
      if ('concurrent' in step && step.concurrent) concurrent.push(done);
      else await done;
    },
    end: async () => void (await Promise.all(concurrent)),
  };
}
