import { describe, expect, it } from 'vitest';
import { OssError } from './oss-error.ts';

const refusal = (status: number, headers: Record<string, string>, body = '', secrets: string[] = []) =>
  new OssError('oss.example.com', 'look up oss://infra/x', { status, headers, body }, secrets);

describe('an error of OSS', () => {
  it('shows no secret that OSS repeats, escaped or not', () => {
    const document = '<Error><Code>InvalidSecurityToken</Code><Message>AKS=s3cr3t token=a&amp;b</Message></Error>';
    const inHeader = { 'x-oss-err': Buffer.from(document).toString('base64') };
    for (const { message } of [
      refusal(403, {}, document, ['s3cr3t', 'a&b']),
      refusal(403, inHeader, '', ['s3cr3t', 'a&b']),
    ]) {
      expect(message).toContain('403 InvalidSecurityToken - AKS=*** token=***');
      expect(message).not.toMatch(/s3cr3t|a&b/);
    }
  });

  it('of a redirect says where to', () => {
    const { code, message } = refusal(307, { location: 'https://oss-cn-beijing.aliyuncs.com/x?Signature=abc' });
    expect(code).toBe('redirected');
    expect(message).toMatch(/set oss\.endpoint to https:\/\/oss-cn-beijing\.aliyuncs\.com\.$/);
    expect(refusal(302, {}).message).toMatch(/set oss\.endpoint\.$/);
  });
});
