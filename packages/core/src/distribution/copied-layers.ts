import type { TarEntry } from '../archive/tar.ts';
import type { Dockerfile, Step } from '../dockerfile/dockerfile.ts';
import { ConfigurationError } from '../errors.ts';
import { type BaseFiles, parentsOf } from './base-files.ts';
import { attributesIn, checkTarget, checkWay } from './base-places.ts';
import type { BranchCommit } from './branch-commit.ts';
import { findCopiedFiles } from './copied-files.ts';
import { layerEntries } from './layer-entries.ts';

/** The layers that a Dockerfile makes besides those of packages, one instruction after the other. */
export class CopiedLayers {
  readonly #dockerfile: Dockerfile;
  readonly #branch: BranchCommit;
  readonly #base: BaseFiles;
  /** Directories that layers so far have made. */
  readonly #made = new Set<string>();

  constructor(dockerfile: Dockerfile, branch: BranchCommit, base: BaseFiles) {
    this.#dockerfile = dockerfile;
    this.#branch = branch;
    this.#base = base;
  }

  /** Returns what a COPY from the branch adds; throws a ConfigurationError where it would replace what is there. */
  async copy(step: Extract<Step, { kind: 'copy' }>): Promise<() => AsyncIterable<TarEntry>> {
    const place = this.#place(step);
    const files = await findCopiedFiles(this.#branch, step, place);
    for (const { path } of files) {
      this.#checkPackages(path, place);
      if (`/${path}` === step.target.path) checkTarget(step.target, this.#base, this.#dockerfile, place);
      checkWay(path, this.#base, place);
      for (const parent of parentsOf(path)) this.#made.add(parent);
    }
    return () => layerEntries(files, [], this.#branch.blobs, attributesIn(this.#base));
  }

  /** A file among a distribution's packages is in none of its layers, and nobody would know of it. */
  #checkPackages(path: string, place: string): void {
    const step = this.#dockerfile.steps.find((other) => {
      if (other.kind !== 'packages' && other.kind !== 'upstream') return false;
      return `${path}/`.startsWith(`packages/${other.distribution}/`);
    });
    if (step === undefined) return;
    throw new ConfigurationError(
      'dockerfile',
      `${place}: /${path} would be among the packages that line ${step.line} copies. Commit it below packages/ on its branch, or name another target.`,
    );
  }

  /** Returns the directory of a WORKDIR; undefined when it is there already. */
  makeDirectory(step: Extract<Step, { kind: 'workdir' }>): (() => AsyncIterable<TarEntry>) | undefined {
    const path = step.path.slice(1);
    if (path === '' || this.#base.has(path) || this.#made.has(path)) return undefined;
    checkWay(path, this.#base, this.#place(step));
    for (const directory of [...parentsOf(path), path]) this.#made.add(directory);
    return () => layerEntries([], [path], this.#branch.blobs, attributesIn(this.#base));
  }

  #place({ line }: Step): string {
    return `${this.#dockerfile.file}:${line}`;
  }
}
