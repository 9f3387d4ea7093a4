/** Runs many pieces of work with bounded concurrency. */

/** Runs the pieces in order, at most `width` at a time, until `isOver`. Answers the pieces that were not started. */
export async function sideBySide<Piece>(
  pieces: readonly Piece[],
  width: number,
  isOver: () => boolean,
  run: (piece: Piece) => Promise<void>,
): Promise<Piece[]> {
  const left = [...pieces].reverse();
  await Promise.all(
    Array.from({ length: Math.min(width, left.length) }, async () => {
      while (left.length > 0 && !isOver()) await run(left.pop()!);
    }),
  );
  return left.reverse();
}
