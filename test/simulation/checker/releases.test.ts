import { instant, type Story } from '../report/story.ts';
import { judgesEach } from './cases.ts';

const held = (h: Story, settings: Parameters<Story['queue']>[1] = {}) => {
  h.queue('q', settings);
  h.publish([1, 1.1], 'm');
  h.receive([2, 2.1], 'm', 'one', 30);
};
type Answer = { visibleAt: string } | { deadLettered: true } | 'message_not_found';
const release = (
  h: Story,
  answer: Answer = { visibleAt: instant(3) },
  input: { delaySeconds?: number; receives?: number } = {},
) => h.call('releaseMessage', [3, 3.1], { queue: 'q', id: 'm' }, input, answer);

judgesEach(['release-by-id-ends-the-lease'], {
  'release-by-id-ends-the-lease': [
    [
      'an ack that succeeds after the release',
      (h) => {
        held(h);
        release(h);
        h.ack([4, 4.1], 'one');
      },
      (h) => {
        held(h);
        release(h);
        h.ack([3.05, 4.1], 'one');
      },
    ],
    [
      'an ack that succeeds after a release of this receive',
      (h) => {
        held(h);
        release(h, { visibleAt: instant(3) }, { receives: 1 });
        h.ack([4, 4.1], 'one');
      },
      (h) => {
        held(h);
        release(h, { visibleAt: instant(30) }, { receives: 2 });
        h.ack([4, 4.1], 'one');
      },
    ],
    [
      'an answer that names another time than the call asked for',
      (h) => {
        held(h);
        release(h, { visibleAt: instant(30) });
      },
      (h) => {
        held(h);
        release(h, { visibleAt: instant(30) }, { delaySeconds: 27 });
      },
    ],
    [
      'a death before the last receive',
      (h) => {
        held(h, { deadLetter: { queue: 'dead', maxReceives: 2 } });
        release(h, { deadLettered: true });
      },
      (h) => {
        held(h, { deadLetter: { queue: 'dead', maxReceives: 1 } });
        release(h, { deadLettered: true });
      },
    ],
    [
      'a release that does not find the leased message',
      (h) => {
        held(h);
        release(h, 'message_not_found');
      },
      (h) => {
        held(h);
        h.ack([2.9, 3.2], 'one', 'lost');
        release(h, 'message_not_found');
      },
    ],
  ],
});
