import { describe, expect, it } from 'vitest';
import * as limits from '../../../contract/limits.ts';
import { transactionWritesMax } from '../../../engine/memory/store.ts';
import { partitionKeyBytesMax, storedRowBytesMax } from '../../../engine/port/row-limits.ts';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const lambdaPayloadBytesMax = 6 * mebibyte;
/** https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html */
const signatureLifeMs = 5 * 60_000;
/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const apiGatewaySecondsMax = 30;

describe('the limits', () => {
  it('keep a tombstone until no late write can wake its message', () => {
    const { tombstoneMs, readToWriteMsMax, retryMsMax, signedRequestMsMax, sweepPeriodMs } = limits;
    expect(tombstoneMs).toBeGreaterThan(readToWriteMsMax + retryMsMax + signedRequestMsMax + sweepPeriodMs);
  });

  it('end a row out of order only after every request that may still bring its message back', () => {
    expect(limits.endGraceMs).toBeGreaterThan(limits.retryMsMax + limits.signedRequestMsMax);
    expect(limits.endGraceMs).toBeLessThan(limits.tombstoneMs);
  });

  it('allow a signed request more than the life of its signature', () => {
    expect(limits.signedRequestMsMax).toBeGreaterThanOrEqual(signatureLifeMs);
  });

  it('let a write rest on a read for less time than it may be retried', () => {
    expect(limits.readToWriteMsMax).toBeLessThan(limits.retryMsMax);
  });

  it('tell lease times more finely than clocks may differ', () => {
    expect(2 * limits.clockMarginMs).toBeLessThan(limits.readToWriteMsMax);
  });

  it('read settings and keys again before a retry may use forgotten ones', () => {
    expect(limits.settingsCacheMs).toBeLessThan(limits.retryMsMax);
    expect(limits.keyCacheMs).toBeLessThanOrEqual(60_000);
  });

  it('fit a call into what Lambda carries, with the frame that API Gateway puts around it', () => {
    const frameBytesMax = 256 * kibibyte;
    expect(limits.callBytesMax + frameBytesMax).toBeLessThanOrEqual(lambdaPayloadBytesMax);
  });

  it('fit the largest body into a call, whatever escaping makes of text, or as base64', () => {
    // A quotation mark costs two characters as JSON, four escaped once more.
    expect(4 * limits.bodyBytesMax).toBeLessThan(limits.callBytesMax);
    expect(Math.ceil((limits.bodyBytesMax * 4) / 3)).toBeLessThan(limits.callBytesMax);
  });

  it('fit a parcel, and a piece of a body, into a row', () => {
    const slots = limits.parcelSlotsMax * (limits.failedCharsMax * 4 + limits.messageIdCharsMax + kibibyte);
    expect(limits.bodyChunkBytesMax + partitionKeyBytesMax + kibibyte).toBeLessThan(storedRowBytesMax);
    expect(slots).toBeLessThan(storedRowBytesMax);
    expect(limits.parcelBytesMax).toBeLessThan(limits.callBytesMax);
    expect(limits.rowBytesMax).toBeLessThan(limits.parcelBytesMax);
  });

  it('fit the id of any message into a receipt, beside incarnation, token, marks and an instant', () => {
    const othersChars = 2 * 8 + 12 + 8 + 13;
    expect(limits.anyMessageIdCharsMax).toBeGreaterThanOrEqual(limits.messageIdCharsMax);
    expect(limits.anyMessageIdCharsMax + othersChars).toBeLessThan(limits.receiptCharsMax);
  });

  it('keep the tombstone of a key until no publish from before the end of its window can come', () => {
    expect(limits.tombstoneMs).toBeGreaterThan(limits.readToWriteMsMax + limits.signedRequestMsMax + 2 * limits.clockMarginMs);
  });

  it('ask a publisher in a fraction of a sweep', () => {
    expect(4 * limits.checkBackMsMax).toBeLessThan(limits.sweepPeriodMs);
  });

  it('cut a full publish into whole parcels', () => {
    expect(limits.batchEntriesMax % limits.parcelSlotsMax).toBe(0);
  });

  it('end the longest wait before API Gateway ends the request', () => {
    expect(limits.waitSecondsMax).toBeLessThan(apiGatewaySecondsMax - limits.readToWriteMsMax / 1000);
  });

  it('show at the head of a shard what one receive may ask for', () => {
    expect(limits.headRowsMax).toBeGreaterThanOrEqual(limits.batchEntriesMax);
    expect(limits.countRowsMax).toBeGreaterThanOrEqual(limits.headRowsMax);
  });

  it('keep names and ids within a key', () => {
    const charactersBytesMax = 4;
    expect(limits.queueNameCharsMax + 2 * limits.messageIdCharsMax).toBeLessThan(partitionKeyBytesMax / charactersBytesMax);
    expect(limits.receiptCharsMax).toBeGreaterThan(limits.queueNameCharsMax + 2 * limits.messageIdCharsMax);
  });

  it('publish the ticks of schedules so far ahead that a sweep may fail', () => {
    expect(limits.scheduleAheadMs).toBeGreaterThanOrEqual(2 * limits.sweepPeriodMs);
    expect(limits.scheduleLateMsMax).toBeLessThanOrEqual(limits.sweepPeriodMs);
    expect(limits.tombstoneMs).toBeGreaterThan(limits.retryMsMax + limits.signedRequestMsMax);
  });

  it('fit a schedule, what it takes back and what it publishes into a transaction', () => {
    const aheadMax = Math.floor(limits.scheduleAheadMs / (limits.everySecondsMin * 1000)) + 1;
    expect(1 + aheadMax + limits.scheduleTicksMax).toBeLessThanOrEqual(transactionWritesMax);
  });

  it.each([
    [limits.visibilityTimeoutSecondsMin, limits.visibilityTimeoutSecondsDefault, limits.visibilityTimeoutSecondsMax],
    [limits.delaySecondsMin, limits.delaySecondsDefault, limits.delaySecondsMax],
    [limits.retentionSecondsMin, limits.retentionSecondsDefault, limits.retentionSecondsMax],
    [1, limits.pageEntriesDefault, limits.pageEntriesMax],
  ])('have each default within its bounds: %i, %i, %i', (min, given, max) => {
    expect(given).toBeGreaterThanOrEqual(min);
    expect(given).toBeLessThanOrEqual(max);
  });
});
