import { instant, type Story } from '../report/story.ts';
import { judgesEach } from './cases.ts';

const ordered = { concurrency: 1, onFailure: 'block', ratePerSecond: null, deadLetters: 'ordered' } as const;

/** Two messages of a group that die one after the other. */
const twoDie = (h: Story, groups: typeof ordered | null = ordered) => {
  h.queue('dead', { groups });
  h.queue('q', { deadLetter: { queue: 'dead', maxReceives: 5 } });
  for (const [at, id] of [
    [1, 'a'],
    [4, 'b'],
  ] as const) {
    h.publish([at, at + 0.1], id, { body: id, group: 'g' });
    h.receive([at + 1, at + 1.1], id, `${id} in q`, at + 30, { group: 'g', publishedAt: instant(at) });
    h.release([at + 2, at + 2.1], `${id} in q`, { ok: true, deadLettered: true }, { deadLetter: true });
  }
};

const receiveDead = (h: Story, at: number, id: 'a' | 'b', leasedUntil: number, receipt = `${id} at ${at}`) => {
  const died = id === 'a' ? 3.05 : 6.05;
  const deadLetter = { queue: 'q', reason: 'rejected' as const, group: 'g', at: instant(died), receives: 1, failures: 1 };
  h.receive(
    [at, at + 0.1],
    id,
    receipt,
    leasedUntil,
    { group: 'g', publishedAt: instant(id === 'a' ? 1 : 4), deadLetter },
    'dead',
  );
};

judgesEach(['group-order', 'one-lease-a-group'], {
  'group-order': [
    [
      'a dead letter that is delivered before another one of its group that died first',
      (h) => {
        twoDie(h);
        receiveDead(h, 10, 'b', 20);
        h.ack([11, 11.1], 'b at 10', { ok: true }, 'dead');
        receiveDead(h, 12, 'a', 20);
      },
      (h) => {
        twoDie(h, null);
        receiveDead(h, 10, 'b', 20);
        h.ack([11, 11.1], 'b at 10', { ok: true }, 'dead');
        receiveDead(h, 12, 'a', 20);
      },
    ],
  ],
  'one-lease-a-group': [
    [
      'a dead letter that is delivered while another one of its group is leased',
      (h) => {
        twoDie(h);
        receiveDead(h, 10, 'a', 20);
        receiveDead(h, 12, 'b', 22);
      },
      (h) => {
        twoDie(h);
        receiveDead(h, 10, 'a', 20);
        h.ack([11, 11.1], 'a at 10', { ok: true }, 'dead');
        receiveDead(h, 12, 'b', 22);
      },
    ],
  ],
});
