import { describe, expect, it } from 'vitest';
import { resolveOssEndpoint } from './oss-endpoint.ts';

const resolve = (endpoint?: string, secure = true, region = 'oss-cn-hangzhou') => {
  const { origin, ...rest } = resolveOssEndpoint('infra', { region, endpoint, secure });
  return { origin: origin.origin, ...rest };
};

describe('resolveOssEndpoint', () => {
  it('is the public one of the region by default', () => {
    const expected = { region: 'oss-cn-hangzhou', origin: 'https://oss-cn-hangzhou.aliyuncs.com', pathStyle: false };
    expect(resolve()).toEqual(expected);
    expect(resolve(undefined, true, 'cn-hangzhou')).toEqual(expected);
  });

  it('takes an endpoint with and without a scheme, and with the bucket in front', () => {
    const origin = 'https://oss-cn-hangzhou-internal.aliyuncs.com';
    expect(resolve(origin)).toMatchObject({ origin });
    expect(resolve('oss-cn-hangzhou-internal.aliyuncs.com')).toMatchObject({ origin });
    expect(resolve('infra.oss-cn-hangzhou-internal.aliyuncs.com')).toMatchObject({ origin });
  });

  it('takes plain http on loopback', () => {
    expect(resolve('http://127.0.0.1:9000')).toMatchObject({ origin: 'http://127.0.0.1:9000', pathStyle: false });
    expect(resolve('http://localhost:9000')).toMatchObject({ origin: 'http://localhost:9000', pathStyle: true });
    expect(resolve('127.0.0.1:9000', false)).toMatchObject({ origin: 'http://127.0.0.1:9000' });
  });

  it.each([
    ['http://oss-cn-hangzhou.aliyuncs.com', true],
    ['https://oss-cn-hangzhou.aliyuncs.com', false],
    ['http://127.0.0.1.example.com', true],
    [undefined, false],
  ])('refuses %j with secure %j', (endpoint, secure) => {
    expect(() => resolve(endpoint, secure)).toThrow(/without encryption.*https:\/\//);
  });

  it('refuses what is no endpoint and no region', () => {
    expect(() => resolve('ftp://x.example.com')).toThrow(/no endpoint/);
    expect(() => resolve('https://x.example.com/path')).toThrow(/no endpoint/);
    expect(() => resolve(undefined, true, 'Hangzhou')).toThrow(/no region/);
  });
});
