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

  it('says who asks for plain http, and what to do about it', () => {
    const plain = (endpoint: string, secure: boolean, origin?: string) => () =>
      resolveOssEndpoint('infra', { region: 'cn-hangzhou', endpoint, secure, ...(origin !== undefined && { origin }) });
    expect(plain('http://oss.example.com', true)).toThrow('Begin oss.endpoint with https://.');
    expect(plain('http://oss.example.com', true, "input 'endpoint'")).toThrow("Begin input 'endpoint' with https://.");
    expect(plain('oss.example.com', false, "input 'endpoint'")).toThrow(/Remove `secure: false`/);
  });

  it('takes the bucket away only where a host is left', () => {
    const hostOf = (bucket: string, endpoint: string) =>
      resolveOssEndpoint(bucket, { region: 'cn-hangzhou', endpoint, secure: true }).origin.hostname;
    expect(hostOf('oss-cn-hangzhou', 'oss-cn-hangzhou.aliyuncs.com')).toBe('oss-cn-hangzhou.aliyuncs.com');
    expect(hostOf('oss', 'oss.example.com')).toBe('oss.example.com');
    expect(hostOf('127', 'http://127.0.0.1')).toBe('127.0.0.1');
    expect(hostOf('infra', 'http://infra.localhost')).toBe('localhost');
    expect(hostOf('infra', 'infra.oss-cn-hangzhou.aliyuncs.com')).toBe('oss-cn-hangzhou.aliyuncs.com');
  });

  it.each([
    'https://me:pa55word@oss.example.com',
    'me:pa55word@oss.example.com',
    'oss.example.com?x=1',
    'https://oss.example.com/#x',
  ])('refuses %s, and does not repeat it', (endpoint) => {
    expect(() => resolve(endpoint)).toThrow(/oss.endpoint holds a user name, a query or a fragment/);
    expect(() => resolve(endpoint)).not.toThrow(/pa55word/);
  });

  it('refuses an IPv6 address, and says what to write', () => {
    expect(() => resolve('http://[::1]:9000')).toThrow(/\[::1\]; write http:\/\/localhost:9000 instead/);
  });

  it('refuses what is no endpoint and no region', () => {
    expect(() => resolve('ftp://x.example.com')).toThrow(/no endpoint/);
    expect(() => resolve('https://x.example.com/path')).toThrow(/no endpoint/);
    expect(() => resolve(undefined, true, 'Hangzhou')).toThrow(/no region/);
  });
});
