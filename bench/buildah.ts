import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DockerfileBuilder } from './dockerfile-builder.ts';
import { measure, words } from './measure.ts';
import { IMAGE, REGISTRY } from './storage-generator.ts';

/** `buildah bud`, `buildah push`. */
export class Buildah extends DockerfileBuilder {
  override async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    await writeFile(
      join(this.directory, 'registries.conf'),
      `[[registry]]\nprefix = "${REGISTRY}"\nlocation = "${this.target.name}"\ninsecure = true\n`,
    );
  }

  override async clear(): Promise<void> {
    const script = [
      `${words(...this.#command)} rm --all || true`,
      `umount ${words(join(this.directory, 'root/overlay'))} 2>/dev/null || true`,
      words('rm', '-rf', this.directory),
    ].join('; ');
    await measure({ script, directory: '/' });
  }

  protected override setUp(): string[] {
    return [`export CONTAINERS_REGISTRIES_CONF=${words(join(this.directory, 'registries.conf'))}`];
  }

  protected override build(name: string, checkout: string): string[] {
    const tag = `${REGISTRY}/${IMAGE}:${name}`;
    const target = `docker://${this.target.name}/${IMAGE}:${name}`;
    return [
      words(...this.#command, 'bud', '--quiet', '--layers', '--isolation=chroot', `--tag=${tag}`, checkout),
      words(...this.#command, 'push', '--quiet', '--tls-verify=false', tag, target),
    ];
  }

  get #command(): string[] {
    return ['buildah', '--root', join(this.directory, 'root'), '--runroot', join(this.directory, 'run')];
  }
}
