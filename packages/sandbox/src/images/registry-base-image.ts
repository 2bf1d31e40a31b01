import { readFileSync } from 'node:fs';
import { makeFileLayer } from './file-layer.ts';
import { composeImage, type MediaTypes, type SampleImage } from './sample-image.ts';

export interface RegistryBaseOptions {
  /** Version of the registry that the image claims to have; another one makes another image. */
  readonly version: string;
  /** Default amd64. */
  readonly architecture?: string;
  /** Default OCI's. */
  readonly mediaTypes?: MediaTypes;
  /**
   * A statically linked busybox, which makes the stand-in run; see {@link findBusybox}. Without it the image is made from
   * nothing: its files are there, and nothing in it can be started.
   */
  readonly busybox?: Buffer;
  /** More of what containers start with. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Returns Debian's busybox-static, undefined where it is absent or linked dynamically. */
export function findBusybox(): Buffer | undefined {
  for (const path of ['/bin/busybox', '/usr/bin/busybox']) {
    try {
      const program = readFileSync(path);
      if (isStatic(program)) return program;
    } catch {
      // It may be in the other place.
    }
  }
  return undefined;
}

/** A program that needs a loader names it in a segment of its own; https://refspecs.linuxfoundation.org/elf/elf.pdf. */
function isStatic(elf: Buffer): boolean {
  if (elf.toString('latin1', 0, 5) !== '\x7fELF\x02') return false;
  const [start, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
  const PT_INTERP = 3;
  return Array.from({ length: count }, (_, index) => elf.readUInt32LE(start + index * size)).every(
    (type) => type !== PT_INTERP,
  );
}

/**
 * Makes a base image like that of Elastic's package registry: the same paths, variables and commands. What stands in it
 * under the name `package-registry` is a **stand-in**: a shell script that counts the packages' manifests and fails on a
 * broken one, when it is called with `-dry-run`, and does nothing else.
 */
export function makeRegistryBaseImage(options: RegistryBaseOptions): SampleImage {
  const { version, busybox, architecture = 'amd64', mediaTypes = 'oci' } = options;
  const system =
    busybox === undefined
      ? makeFileLayer({ 'etc/os-release': 'ID=from-nothing\n', tmp: null })
      : makeFileLayer({
          'bin/busybox': { content: busybox, mode: 0o755 },
          'bin/sh': { content: '#!/bin/busybox sh\nexec /bin/busybox sh "$@"\n', mode: 0o755 },
          tmp: null,
        });
  const registry = makeFileLayer({
    'package-registry/package-registry': { content: STAND_IN.replace('VERSION', version), mode: 0o755 },
    'package-registry/config.yml': 'package_paths:\n  - /packages/package-registry\n',
    'packages/package-registry': null,
  });
  return composeImage([system, registry], {
    architecture,
    os: 'linux',
    mediaTypes,
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', `STAND_IN_VERSION=${version}`],
      Entrypoint: ['./package-registry'],
      WorkingDir: '/package-registry',
      ExposedPorts: { '8080/tcp': {} },
      Labels: { 'org.opencontainers.image.title': 'stand-in for a package registry' },
      ...options.config,
    },
  });
}

/** Uses nothing but what a shell has built in: there are no other programs in the image. */
const STAND_IN = `#!/bin/busybox sh
# A stand-in for Elastic's package registry (VERSION), for tests: it counts manifests, and serves nothing.
if [ "$1" != "-dry-run" ]; then
  echo "This is a stand-in for the package registry; it knows -dry-run only." >&2
  exit 64
fi

# Prints the value of a key at the beginning of a line of a YAML, without quotes.
value() {
  while IFS= read -r line || [ -n "$line" ]; do
    case "$line" in
      "$1: "*)
        line="\${line#*: }"
        line="\${line%\\"}"
        echo "\${line#\\"}"
        return
        ;;
    esac
  done < "$2"
}

count=0
while IFS= read -r line || [ -n "$line" ]; do
  case "$line" in
    "  - /"*) root="\${line#*- }" ;;
    *) continue ;;
  esac
  for manifest in "$root"/*/*/manifest.yml; do
    [ -e "$manifest" ] || continue
    directory="\${manifest%/manifest.yml}"
    version="\${directory##*/}"
    parent="\${directory%/*}"
    name="\${parent##*/}"
    if [ "$EPR_DISABLE_PACKAGE_VALIDATION" != true ]; then
      if [ "$(value name "$manifest")" != "$name" ] || [ "$(value version "$manifest")" != "$version" ]; then
        echo "stand-in: $manifest: name or version is not that of the directory" >&2
        exit 1
      fi
    fi
    count=$((count + 1))
  done
done < config.yml
echo "stand-in: $count local package manifests loaded."
[ "$count" -gt 0 ]
`;
