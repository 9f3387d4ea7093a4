import { expect, it } from 'vitest';
import { targetFailuresMax, targetProbeMsFirst, targetProbeMsMax } from '../../../../contract/limits.ts';
import { afterEnd, afterFailure, afterSuccess, allowed, type Circuit, newCircuit } from '../../../../functions/push/circuit.ts';

const failed = (circuit: Circuit, times: number, now: number) =>
  Array.from({ length: times }).reduce<Circuit>((one) => afterFailure(one, { message: 'HTTP 500' }, now, now), circuit);

it('a circuit breaks after five failures in a row, and a success between them starts the count again', () => {
  const four = failed(newCircuit, targetFailuresMax - 1, 0);
  expect(allowed(four, 0)).toBe('all');
  expect(allowed(failed(afterSuccess(four), targetFailuresMax - 1, 0), 0)).toBe('all');
  const five = failed(four, 1, 1_000);
  expect(five).toMatchObject({ failures: targetFailuresMax, error: { at: 1_000, message: 'HTTP 500' } });
  expect(allowed(five, 1_000 + targetProbeMsFirst - 1)).toBe('none');
  expect(allowed(five, 1_000 + targetProbeMsFirst)).toBe('probe');
});

it('each failed probe doubles the wait, up to fifteen minutes, and a success closes the circuit', () => {
  let circuit = failed(newCircuit, targetFailuresMax, 0);
  const waits: number[] = [];
  for (let probe = 0; probe < 10; probe++) {
    const now = circuit.broken!.nextTryAt;
    circuit = failed(circuit, 1, now);
    waits.push(circuit.broken!.nextTryAt - now);
  }
  expect(waits.slice(0, 4)).toEqual([2, 4, 8, 16].map((times) => times * targetProbeMsFirst));
  expect(waits.at(-1)).toBe(targetProbeMsMax);
  expect(afterSuccess(circuit)).toEqual(newCircuit);
});

it('failures of deliveries that began before the circuit broke do not lengthen its wait', () => {
  const broken = failed(newCircuit, targetFailuresMax, 1_000);
  const late = afterFailure(broken, { message: 'late' }, 900, 5_000);
  expect(late.broken).toEqual(broken.broken);
  expect(late.failures).toBe(targetFailuresMax + 1);
});

it('a target that cannot be called at all breaks its circuit at the first failure', () => {
  const circuit = afterFailure(newCircuit, { message: 'no such function', breaksAtOnce: true }, 0, 0);
  expect(allowed(circuit, 0)).toBe('none');
  expect(circuit.failures).toBe(1);
});

it('a target that ended gets nothing, however long ago', () => {
  expect(allowed(afterEnd(newCircuit, 'HTTP 410', 0), Number.MAX_SAFE_INTEGER)).toBe('none');
});

it('a target that ended stays so when requests that were in progress succeed, fail, or end it again', () => {
  const ended = afterEnd(newCircuit, 'HTTP 410', 0);
  expect(afterSuccess(ended)).toBe(ended);
  expect(failed(ended, targetFailuresMax, 1)).toBe(ended);
  expect(afterEnd(ended, 'HTTP 410', 1)).toBe(ended);
});

it('a success of a target without failures changes nothing, so nothing is written', () => {
  expect(afterSuccess(newCircuit)).toBe(newCircuit);
});
