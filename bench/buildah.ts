import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerRegistry } from '../test/interop/docker-registry.ts';
import { measure, words } from './measure.ts';
import { IMAGE, REGISTRY } from './storage-generator.ts';

/** Builds with the Dockerfile as it is: a checkout, `buildah bud`, `buildah push`. */
export class Buildah {
  readonly #directory: string;
  readonly #url: string;
  readonly #target: DockerRegistry;

  constructor(directory: string, url: string, target: DockerRegistry) {
    this.#directory = directory;
    this.#url = url;
    this.#target = target;
  }

  /** Leads the Dockerfile's names to the target. */
  async prepare(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    await writeFile(
      join(this.#directory, 'registries.conf'),
      `[[registry]]\nprefix = "${REGISTRY}"\nlocation = "${this.#target.name}"\ninsecure = true\n`,
    );
  }

  /** The script that brings checkouts up to date, builds and pushes, one distribution after the other. */
  script(distributions: readonly string[]): string {
    return [`export CONTAINERS_REGISTRIES_CONF=${words(join(this.#directory, 'registries.conf'))}`]
      .concat(distributions.flatMap((name) => [this.#checkout(name), this.#build(name), this.#push(name)]))
      .join(' && ');
  }

  /** Takes away what is left, mounts included. */
  async clear(): Promise<void> {
    const script = [
      `${words(...this.#command)} rm --all || true`,
      `umount ${words(join(this.#directory, 'root/overlay'))} 2>/dev/null || true`,
      words('rm', '-rf', this.#directory),
    ].join('; ');
    await measure({ script, directory: '/' });
  }

  get #command(): string[] {
    return ['buildah', '--root', join(this.#directory, 'root'), '--runroot', join(this.#directory, 'run')];
  }

  #checkout(name: string): string {
    const directory = join(this.#directory, name);
    const clone = words('git', 'clone', '--quiet', '--depth=1', `--branch=${name}`, this.#url, directory);
    const git = ['git', '-C', directory];
    const update = `${words(...git, 'fetch', '--quiet', '--depth=1', 'origin', name)} && ${words(...git, 'reset', '--quiet', '--hard', 'FETCH_HEAD')}`;
    return `if [ -d ${words(directory)} ]; then ${update}; else ${clone}; fi`;
  }

  #build(name: string): string {
    const args = ['bud', '--quiet', '--layers', '--isolation=chroot', `--tag=${REGISTRY}/${IMAGE}:${name}`];
    return words(...this.#command, ...args, join(this.#directory, name));
  }

  #push(name: string): string {
    const target = `docker://${this.#target.name}/${IMAGE}:${name}`;
    return words(...this.#command, 'push', '--quiet', '--tls-verify=false', `${REGISTRY}/${IMAGE}:${name}`, target);
  }
}
