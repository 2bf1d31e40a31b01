import type { Finding } from '../plugin/finding.ts';

/** Where an instruction stands; counts from 1. */
export interface Placed {
  readonly line: number;
}

/** An image that a Dockerfile names with FROM. */
export interface FromImage extends Placed {
  /** The reference with its variables filled in. */
  readonly reference: string;
}

/** https://docs.docker.com/reference/dockerfile/#healthcheck, as images carry it: times in nanoseconds. */
export interface Healthcheck {
  readonly Test: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

/** One instruction of the last stage, its words ready to be used. */
export type Step = Placed & { readonly text: string } & (
    | { readonly kind: 'label'; readonly values: readonly (readonly [string, string])[] }
    | { readonly kind: 'env'; readonly values: readonly (readonly [string, string])[] }
    | { readonly kind: 'workdir'; readonly path: string }
    | { readonly kind: 'user'; readonly user: string }
    | { readonly kind: 'expose'; readonly ports: readonly string[] }
    | { readonly kind: 'entrypoint'; readonly command: readonly string[] }
    | { readonly kind: 'cmd'; readonly command: readonly string[] }
    | { readonly kind: 'healthcheck'; readonly check: Healthcheck }
    /** `packages` of the branch, to `/packages/<distribution>`. */
    | { readonly kind: 'packages'; readonly distribution: string }
    /** `/packages/<distribution>` out of a distribution's image. */
    | { readonly kind: 'upstream'; readonly stage: string; readonly distribution: string }
    | { readonly kind: 'copy'; readonly sources: readonly string[]; readonly target: CopyTarget }
    /** A check: it may fail the build, and must not change a file. */
    | {
        readonly kind: 'run';
        readonly command: readonly string[];
        /** The ARGs that hold here; a variable of the same name wins. */
        readonly args: ReadonlyMap<string, string>;
      }
  );

/** Where files go. */
export interface CopyTarget {
  /** Absolute path, without a slash at its end. */
  readonly path: string;
  /** A single file goes into it, instead of being called so. */
  readonly isDirectory: boolean;
}

/** A distribution's Dockerfile, as far as it concerns the image. */
export interface Dockerfile {
  /** Path from the root of the branch. */
  readonly file: string;
  readonly base: FromImage;
  /** Images that packages are taken out of, by the name of their stage. */
  readonly stages: ReadonlyMap<string, FromImage>;
  readonly steps: readonly Step[];
  readonly findings: readonly Finding[];
}
