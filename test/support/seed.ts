/**
 * The seed of random tests. It is the same at each run, so that a failure is due to a change. `SEED=$RANDOM npm test` tries another seed;
 * `npm run simulate` and `npm run torture` search for new failures.
 */
export const testSeed = Number(process.env.SEED ?? 20_260_101);
