import { ConfigurationError } from '@slipway/core/errors';
import { type Digest, isDigest } from '@slipway/core/image/digest';
import type { PackageVersion } from '@slipway/core/kubernetes/served-packages';

export function digest(value: string, name: string): Digest {
  if (isDigest(value)) return value;
  throw new ConfigurationError('invalid-input', `input '${name}': '${value}' is no digest; write it as sha256:….`);
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Returns milliseconds: `90s`, `10m`, `1h`. */
export function duration(value: string, name: string): number {
  const [, number = '', unit = ''] = /^([1-9][0-9]{0,4})([smh])$/.exec(value) ?? [];
  const milliseconds = Number(number) * (UNITS[unit] ?? 0);
  if (milliseconds > 0) return milliseconds;
  throw new ConfigurationError(
    'invalid-input',
    `input '${name}': '${value}' is no duration; write it as 90s, 10m or 1h.`,
  );
}

/** Returns `[{name, version}]`; other properties, as register-package's output has them, are left out. */
export function packageVersions(value: unknown, origin: string): PackageVersion[] {
  const refuse = (): never => {
    throw new ConfigurationError('invalid-input', `${origin} is no list of {"name": …, "version": …}.`);
  };
  if (!Array.isArray(value)) return refuse();
  return value.map((item: Partial<Record<'name' | 'version', unknown>> | null) => {
    const { name, version } = item ?? {};
    return typeof name === 'string' && typeof version === 'string' ? { name, version } : refuse();
  });
}
