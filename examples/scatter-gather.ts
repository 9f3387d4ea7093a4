/** Scatter and gather: asks every service that subscribes, and takes the answers that come before a deadline. */
import { setTimeout } from 'node:timers/promises';
import { dumbwaiter } from './connect.ts';

interface Question {
  id: string;
  replyTo: string;
  deadline: number;
  dish: string;
}
interface Offer {
  question: string;
  kitchen: string;
  cents: number;
}

const questions = dumbwaiter.topic<Question>('price-questions');
const offers = dumbwaiter.topic<Offer>('price-offers');
await Promise.all([questions.ensure(), offers.ensure()]);

/** What a service does. It may be any program, in any language. */
async function openKitchen(kitchen: string, centsALetter: number) {
  await questions.subscription(kitchen).ensure();
  const queue = questions.subscription(kitchen).queue();
  return queue.consume(async ({ body: { id, replyTo, deadline, dish } }) => {
    if (Date.now() > deadline) return; // The answer would be too late.
    const offer = { question: id, kitchen, cents: dish.length * centsALetter };
    // If the question is handled twice, its own id keeps the answer from coming twice.
    await offers.publish({ id: `${id}-${kitchen}`, subject: replyTo, body: offer });
  });
}
const kitchens = await Promise.all([openKitchen('north', 100), openKitchen('south', 90)]);
await questions.subscription('closed').ensure(); // This service is down.

// A program that asks has one inbox for all its questions, which ends with it.
const me = crypto.randomUUID();
const inbox = new Map<string, (offer: Offer) => void>();
const listener = await offers.broadcast(({ body }) => inbox.get(body.question)?.(body), { subject: me });

async function ask(dish: string, timeoutMs: number) {
  const id = crypto.randomUUID();
  const gathered: Offer[] = [];
  const complete = Promise.withResolvers<void>();
  const { promise: asked, resolve: setAsked } = Promise.withResolvers<number>();
  inbox.set(id, async (offer) => {
    gathered.push(offer);
    if (gathered.length === (await asked)) complete.resolve();
  });
  const deadline = Date.now() + timeoutMs;
  const { subscriptions } = await questions.publish({ body: { id, replyTo: me, deadline, dish } });
  setAsked(subscriptions);
  await Promise.race([complete.promise, setTimeout(deadline - Date.now())]);
  inbox.delete(id);
  return { offers: gathered, asked: subscriptions };
}

const { offers: gathered, asked } = await ask('soup', 4000);
const [best] = gathered.sort((one, other) => one.cents - other.cents);
console.log(`${gathered.length} of ${asked} answered; ${best?.kitchen} is cheapest with ${best?.cents}`);
await Promise.all([listener, ...kitchens].map((one) => one.stop()));
