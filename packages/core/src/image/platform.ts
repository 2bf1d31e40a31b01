import { ConfigurationError } from '../errors.ts';

/** https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md#image-index-property-descriptions */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** Returns `linux/arm64/v8` for people, inputs and outputs. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return `${os}/${architecture}${variant === undefined || variant === '' ? '' : `/${variant}`}`;
}

/** Returns the platform `text` spells, `<os>/<architecture>[/<variant>]`; throws a ConfigurationError otherwise. */
export function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant, ...rest] = text.split('/');
  if (![os, architecture, variant ?? 'v1'].every((part) => /^[a-z0-9_.]+$/.test(part)) || rest.length > 0) {
    throw new ConfigurationError(
      'invalid-platform',
      `'${text}' is no platform; write it as linux/amd64 or linux/arm64/v8.`,
    );
  }
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

/** Says whether `wanted` selects `platform`; without a variant it selects them all. */
export function matchesPlatform(wanted: Platform, platform: Platform): boolean {
  return (
    wanted.os === platform.os &&
    wanted.architecture === platform.architecture &&
    (wanted.variant === undefined || wanted.variant === platform.variant)
  );
}
