/** Says what was just changed, and offers to take it back. */
import { undo, useNotice } from '../state/notices.ts';

export function NoticeBar() {
  const notice = useNotice();
  return (
    <div role="status" class="notice">
      {notice && (
        <article>
          {notice.text}{' '}
          {notice.undo && (
            <button type="button" class="secondary" onClick={() => undo(notice)}>
              Undo
            </button>
          )}
        </article>
      )}
    </div>
  );
}
