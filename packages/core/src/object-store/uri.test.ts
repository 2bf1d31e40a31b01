import { describe, expect, it } from 'vitest';
import { checksumUri, formatOssUri, parseOssUri, resolveDestination } from './uri.ts';

const values = { prefix: 'acme-', plugin: 'cron', version: 'v1.2.0', file: 'acme-cron-v1.2.0.tar.gz' };
const resolve = (destination: string, known: Partial<typeof values> = values): string =>
  formatOssUri(
    resolveDestination(
      destination,
      { prefix: 'acme-', plugin: known.plugin, version: known.version, file: 'acme-cron-v1.2.0.tar.gz' },
      "input 'destination'",
    ),
  );

describe('parseOssUri', () => {
  it('reads bucket and key', () => {
    expect(parseOssUri('oss://infra/a/b c.gz', 'x')).toEqual({ bucket: 'infra', key: 'a/b c.gz' });
    expect(parseOssUri('oss://infra/插件/v1.0.0..1+x%20', 'x').key).toBe('插件/v1.0.0..1+x%20');
  });

  it.each([
    ['https://infra/a', /should look like oss:/],
    ['oss://infra', /should look like oss:/],
    ['oss://infra/', /key is missing/],
    ['oss://Infra/a', /bucket has 3 to 63/],
    ['oss://in/a', /bucket has 3 to 63/],
    ['oss://infra-/a', /bucket has 3 to 63/],
    ['oss://infra//a', /slash/],
    ['oss://infra/a//b', /slash/],
    ['oss://infra/a/../b', /'\.\.'/],
    ['oss://infra/./b', /'\.'/],
    ['oss://infra/a\n/queue done-package-uploaded', /control character/],
    ['oss://infra/a\\b', /backslash/],
    [`oss://infra/${'é'.repeat(509)}`, /longer than 1016 bytes/],
  ])('refuses %j', (uri, message) => {
    expect(() => parseOssUri(uri, "input 'destination'")).toThrow(message);
    expect(() => parseOssUri(uri, "input 'destination'")).toThrow("input 'destination'");
  });
});

describe('resolveDestination', () => {
  it('takes a full address, a directory, a bucket and a template', () => {
    expect(resolve('oss://infra/x.tar.gz')).toBe('oss://infra/x.tar.gz');
    expect(resolve('oss://infra/plugins/')).toBe('oss://infra/plugins/acme-cron-v1.2.0.tar.gz');
    expect(resolve('oss://infra')).toBe('oss://infra/acme-cron-v1.2.0.tar.gz');
    expect(resolve('oss://infra/')).toBe('oss://infra/acme-cron-v1.2.0.tar.gz');
    expect(resolve('oss://infra/{prefix}{plugin}/')).toBe('oss://infra/acme-cron/acme-cron-v1.2.0.tar.gz');
    expect(resolve('oss://infra/p/{plugin}/{version}.tgz')).toBe('oss://infra/p/cron/v1.2.0.tgz');
  });

  it('expands what a file alone tells, and says what it does not', () => {
    expect(resolve('oss://infra/{prefix}x/{file}', {})).toBe('oss://infra/acme-x/acme-cron-v1.2.0.tar.gz');
    expect(() => resolve('oss://infra/{plugin}/{version}/{file}', {})).toThrow(
      /\{plugin\} and \{version\} in .* stands for.*'package'/,
    );
  });

  it('refuses a template that gives two packages one address, and unknown placeholders', () => {
    expect(() => resolve('oss://infra/{plugin}.tar.gz')).toThrow(/two packages one address/);
    expect(() => resolve('oss://infra/{name}/{file}')).toThrow(/'\{name\}' is not known/);
  });
});

it('puts the checksum beside the package', () => {
  expect(formatOssUri(checksumUri({ bucket: 'infra', key: 'a/b.gz' }))).toBe('oss://infra/a/b.gz.sha256');
});
