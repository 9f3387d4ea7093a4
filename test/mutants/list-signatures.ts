/** Mistakes in verifying the signatures of calls of SQS. */
import type { Mutant } from './mutant.ts';

const file = 'functions/sqs/signature.ts';
const tests = ['test/sqs/signature.test.ts'];

export const signatures: readonly Mutant[] = [
  {
    name: 'a call may say which hash its body has',
    file,
    find: 'if (claimed !== null && claimed !== bodyHash)',
    replace: "if (claimed === '')",
    tests,
  },
  { name: 'a call need not sign what it asks for', file, find: "'x-amz-target', ", replace: '', tests },
  { name: 'a signature is valid forever', file, find: '} else if (at < now - skew) {', replace: '} else if (false) {', tests },
  {
    name: 'a presigned URL is valid forever',
    file,
    find: 'if (at + expiresSeconds * 1000 < now)',
    replace: 'if (expiresSeconds < 0)',
    tests,
  },
  {
    name: 'a part of a signature suffices',
    file,
    find: 'sent.length !== wanted.length || !timingSafeEqual(sent, wanted)',
    replace: '!timingSafeEqual(sent, wanted.subarray(0, sent.length))',
    tests,
  },
  {
    name: 'an expired key still signs',
    file: 'functions/sqs/authenticate.ts',
    find: 'if (keys.isOver(key))',
    replace: 'if (keys.isOver(key) && isAnonymous)',
    tests,
  },
  {
    name: 'every API key has an access key',
    file: 'functions/auth/api-keys.ts',
    find: 'key.accessKey ? accessKeys.pairOf(key.id) : undefined',
    replace: 'accessKeys.pairOf(key.id)',
    tests,
  },
];
