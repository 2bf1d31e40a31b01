import { join } from 'node:path';
import type { DockerRegistry } from '../test/interop/docker-registry.ts';
import { words } from './measure.ts';

/** Builds with the Dockerfile as it is: a checkout, a build, a push. */
export abstract class DockerfileBuilder {
  readonly directory: string;
  readonly target: DockerRegistry;
  readonly #url: string;
  readonly #built = new Set<string>();

  constructor(directory: string, url: string, target: DockerRegistry) {
    this.directory = directory;
    this.#url = url;
    this.target = target;
  }

  /** Leads the Dockerfile's names to the target; `bases` are the references of the base images. */
  abstract prepare(bases: readonly string[]): Promise<void>;

  /** Takes away what is left, mounts included. */
  abstract clear(): Promise<void>;

  /** The commands that build a checkout and push what comes of it. */
  protected abstract build(name: string, checkout: string): readonly string[];

  /** What the commands need in their environment, as lines of bash. */
  protected abstract setUp(): readonly string[];

  /** The script that brings checkouts up to date, builds and pushes, one distribution after the other. */
  script(distributions: readonly string[]): string {
    for (const name of distributions) this.#built.add(name);
    const steps = distributions.flatMap((name) => {
      const checkout = join(this.directory, name);
      return [this.#checkOut(name, checkout), ...this.build(name, checkout)];
    });
    return [...this.setUp(), ...steps].join(' && ');
  }

  /** Returns those of the distributions that were not built yet: the first build of each is another job. */
  notBuilt(distributions: readonly string[]): string[] {
    return distributions.filter((name) => !this.#built.has(name));
  }

  #checkOut(name: string, directory: string): string {
    const clone = words('git', 'clone', '--quiet', '--depth=1', `--branch=${name}`, this.#url, directory);
    const git = ['git', '-C', directory];
    const update = `${words(...git, 'fetch', '--quiet', '--depth=1', 'origin', name)} && ${words(...git, 'reset', '--quiet', '--hard', 'FETCH_HEAD')}`;
    return `if [ -d ${words(directory)} ]; then ${update}; else ${clone}; fi`;
  }
}
