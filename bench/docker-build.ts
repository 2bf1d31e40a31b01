import { mkdtemp, rm } from 'node:fs/promises';
import { type Engine, startDockerEngine } from '../test/interop/engines.ts';
import { DockerfileBuilder } from './dockerfile-builder.ts';
import { measure, words } from './measure.ts';
import { IMAGE, REGISTRY } from './storage-generator.ts';

/**
 * `docker build`, `docker push`, with an engine of its own that runs already. What the engine takes of processors and memory
 * is the engine's, and not measured.
 */
export class DockerBuild extends DockerfileBuilder {
  #engine: { readonly directory: string; readonly running: Engine } | undefined;

  override async prepare(bases: readonly string[]): Promise<void> {
    if (this.#engine !== undefined) return;
    // Its socket needs a short path.
    const directory = await mkdtemp('/tmp/slipway-docker-');
    this.#engine = { directory, running: await startDockerEngine(directory) };
    // An engine leads no name elsewhere: it is given the base images under the names that the Dockerfiles say.
    const pulls = bases.flatMap((base) => {
      const here = `${this.target.name}/${base}`;
      return [words('docker', 'pull', '--quiet', here), words('docker', 'tag', here, `${REGISTRY}/${base}`)];
    });
    await measure({ script: [...this.setUp(), ...pulls].join(' && '), directory: '/' });
  }

  override async clear(): Promise<void> {
    await this.#engine?.running.stop();
    if (this.#engine !== undefined) await rm(this.#engine.directory, { recursive: true, force: true });
    await rm(this.directory, { recursive: true, force: true });
  }

  protected override setUp(): string[] {
    const env = this.#engine?.running.env ?? {};
    // The builder that every engine has.
    return Object.entries({ ...env, DOCKER_BUILDKIT: '0' }).map(
      ([key, value]) => `export ${key}=${words(value ?? '')}`,
    );
  }

  protected override build(name: string, checkout: string): string[] {
    const [tag, target] = [REGISTRY, this.target.name].map((host) => `${host}/${IMAGE}:${name}`);
    return [
      words('docker', 'build', '--quiet', '--network=none', `--tag=${tag}`, checkout),
      words('docker', 'tag', tag ?? '', target ?? ''),
      words('docker', 'push', '--quiet', target ?? ''),
    ];
  }
}
