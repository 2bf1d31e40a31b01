import { expect, it } from 'vitest';
import { formatUploadComment } from './upload-comment.ts';

it('names every package on a line of its own, and ends with the command', () => {
  expect(formatUploadComment(['oss://infra/a/a-v1.0.0.tar.gz', 'oss://infra/b/b-v2.0.0.tar.gz'])).toBe(
    'packages uploaded to\n' +
      'oss://infra/a/a-v1.0.0.tar.gz\n' +
      'oss://infra/b/b-v2.0.0.tar.gz\n' +
      '/queue done-package-uploaded',
  );
});
