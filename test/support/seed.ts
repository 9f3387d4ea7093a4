/**
 * The seed of a test that draws at random: the same at each run, so that a change is judged by what it changed. `SEED=$RANDOM npm test`
 * tries others; `npm run simulate` and `npm run torture` look for what nobody has seen yet.
 */
export const testSeed = Number(process.env.SEED ?? 20_260_101);
