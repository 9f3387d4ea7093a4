/** The pages that a key may see. */
import type { Session } from '../state/session.ts';

export type PageLink = readonly [title: string, path: string];

/** What these pages show belongs to no queue: they need an admin key for all queues. */
export function seesAdminPages({ can, coversAll }: Pick<Session, 'can' | 'coversAll'>): boolean {
  return can('admin') && coversAll;
}

export function pagesFor(session: Pick<Session, 'can' | 'coversAll'>): PageLink[] {
  const pages: PageLink[] = [
    ['Queues', '/'],
    ['Topics', '/topics'],
  ];
  if (seesAdminPages(session)) pages.push(['Schedules', '/schedules'], ['Keys', '/keys'], ['Audit', '/audit']);
  return pages;
}
