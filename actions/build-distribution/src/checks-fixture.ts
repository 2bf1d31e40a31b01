import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findBusybox } from '@slipway/sandbox/images/registry-base-image';

/** Says why checks cannot be run here, for the titles of their tests; undefined where they can. */
export function whyNoChecks(): string | undefined {
  const tools =
    process.getuid?.() === 0 && findBusybox() !== undefined && isInstalled('buildah') && isInstalled('unshare');
  return tools ? undefined : ' (skipped: needs root, buildah and busybox-static)';
}

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((path) => existsSync(join(path, program)));
}
