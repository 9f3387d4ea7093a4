import { describe, expect, it } from 'vitest';
import * as limits from '../../../contract/limits.ts';
import { partitionKeyBytesMax, storedRowBytesMax } from '../../../engine/port/row-limits.ts';
import { transactionWritesMax } from '../../../engine/port/row-writes.ts';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const lambdaPayloadBytesMax = 6 * mebibyte;
/** https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html */
const signatureLifeMs = 5 * 60_000;
/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const apiGatewaySecondsMax = 30;

describe('the limits', () => {
  it('a tombstone lasts until no late write can revive its message', () => {
    const { tombstoneMs, readToWriteMsMax, retryMsMax, signedRequestMsMax, sweepPeriodMs } = limits;
    expect(tombstoneMs).toBeGreaterThan(readToWriteMsMax + retryMsMax + signedRequestMsMax + sweepPeriodMs);
  });

  it('a row out of order ends only after every request that could bring its message back', () => {
    expect(limits.endGraceMs).toBeGreaterThan(limits.retryMsMax + limits.signedRequestMsMax);
    expect(limits.endGraceMs).toBeLessThan(limits.tombstoneMs);
  });

  it('the lifetime of a signed request is longer than that of its signature', () => {
    expect(limits.signedRequestMsMax).toBeGreaterThanOrEqual(signatureLifeMs);
  });

  it('a write may rest on a read for less time than it may be retried', () => {
    expect(limits.readToWriteMsMax).toBeLessThan(limits.retryMsMax);
  });

  it('the times of leases are finer than the difference of clocks', () => {
    expect(2 * limits.clockMarginMs).toBeLessThan(limits.readToWriteMsMax);
  });

  it('settings and keys are read again before a retry could use forgotten ones', () => {
    expect(limits.settingsCacheMs).toBeLessThan(limits.retryMsMax);
    expect(limits.keyCacheMs).toBeLessThanOrEqual(60_000);
  });

  it('a call fits into a Lambda payload, including the frame of API Gateway', () => {
    const frameBytesMax = 256 * kibibyte;
    expect(limits.callBytesMax + frameBytesMax).toBeLessThanOrEqual(lambdaPayloadBytesMax);
  });

  it('the largest body fits into a call, with any escaping or as base64', () => {
    // A quotation mark costs two characters as JSON, and four when escaped once more.
    expect(4 * limits.bodyBytesMax).toBeLessThan(limits.callBytesMax);
    expect(Math.ceil((limits.bodyBytesMax * 4) / 3)).toBeLessThan(limits.callBytesMax);
  });

  it('a parcel and a piece of a body each fit into a row', () => {
    const slots = limits.parcelSlotsMax * (limits.failedCharsMax * 4 + limits.messageIdCharsMax + kibibyte);
    expect(limits.bodyChunkBytesMax + partitionKeyBytesMax + kibibyte).toBeLessThan(storedRowBytesMax);
    expect(slots).toBeLessThan(storedRowBytesMax);
    expect(limits.parcelBytesMax).toBeLessThan(limits.callBytesMax);
    expect(limits.rowBytesMax).toBeLessThan(limits.parcelBytesMax);
  });

  it('the id of any message fits into a receipt, beside incarnation, token, marks and two instants', () => {
    const othersChars = 2 * 8 + 12 + 8 + 2 * 13;
    expect(limits.anyMessageIdCharsMax).toBeGreaterThanOrEqual(limits.messageIdCharsMax);
    expect(limits.anyMessageIdCharsMax + othersChars).toBeLessThan(limits.receiptCharsMax);
  });

  it('the tombstone of a key lasts until no publish from before the end of its window can arrive', () => {
    expect(limits.tombstoneMs).toBeGreaterThan(limits.readToWriteMsMax + limits.signedRequestMsMax + 2 * limits.clockMarginMs);
  });

  it('the check-back of a publisher takes a fraction of a sweep', () => {
    expect(4 * limits.checkBackMsMax).toBeLessThan(limits.sweepPeriodMs);
  });

  it('a full publish divides into whole parcels', () => {
    expect(limits.batchEntriesMax % limits.parcelSlotsMax).toBe(0);
  });

  it('the longest wait ends before API Gateway ends the request', () => {
    expect(limits.waitSecondsMax).toBeLessThan(apiGatewaySecondsMax - limits.readToWriteMsMax / 1000);
  });

  it("one read of a shard's head shows as many messages as one receive may ask for", () => {
    expect(limits.headRowsMax).toBeGreaterThanOrEqual(limits.batchEntriesMax);
    expect(limits.countRowsMax).toBeGreaterThanOrEqual(limits.headRowsMax);
  });

  it('names and ids fit into a key', () => {
    const charactersBytesMax = 4;
    expect(limits.queueNameCharsMax + 2 * limits.messageIdCharsMax).toBeLessThan(partitionKeyBytesMax / charactersBytesMax);
    expect(limits.receiptCharsMax).toBeGreaterThan(limits.queueNameCharsMax + 2 * limits.messageIdCharsMax);
  });

  it('the ticks of a schedule are published far enough ahead for one sweep to fail', () => {
    expect(limits.scheduleAheadMs).toBeGreaterThanOrEqual(2 * limits.sweepPeriodMs);
    expect(limits.scheduleLateMsMax).toBeLessThanOrEqual(limits.sweepPeriodMs);
    expect(limits.tombstoneMs).toBeGreaterThan(limits.retryMsMax + limits.signedRequestMsMax);
  });

  it('a schedule, what it takes back and what it publishes fit into one transaction', () => {
    const aheadMax = Math.floor(limits.scheduleAheadMs / (limits.everySecondsMin * 1000)) + 1;
    expect(1 + aheadMax + limits.scheduleTicksMax).toBeLessThanOrEqual(transactionWritesMax);
  });

  it.each([
    [limits.visibilityTimeoutSecondsMin, limits.visibilityTimeoutSecondsDefault, limits.visibilityTimeoutSecondsMax],
    [limits.delaySecondsMin, limits.delaySecondsDefault, limits.delaySecondsMax],
    [limits.retentionSecondsMin, limits.retentionSecondsDefault, limits.retentionSecondsMax],
    [1, limits.pageEntriesDefault, limits.pageEntriesMax],
  ])('each default is within its bounds: %i, %i, %i', (min, given, max) => {
    expect(given).toBeGreaterThanOrEqual(min);
    expect(given).toBeLessThanOrEqual(max);
  });
});
