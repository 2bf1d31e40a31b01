import type { Distribution, StorageSettings } from '../configuration/storage.ts';
import type { Dockerfile, FromImage } from '../dockerfile/dockerfile.ts';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import { ConfigurationError } from '../errors.ts';
import { formatReference, parseReference, type Reference } from '../image/reference.ts';
import type { Finding } from '../plugin/finding.ts';
import type { Repository } from '../registry/repository.ts';
import type { BranchCommit } from './branch-commit.ts';
import type { BuildInputs } from './distribution-tags.ts';
import { envOf, workdirOf } from './image-config.ts';
import type { UpstreamLabel } from './labels.ts';
import { needImage, type PublishedDistribution } from './published-distribution.ts';

/** An image that the Dockerfile names, resolved to a digest once; from then on only the digest counts. */
export interface ResolvedImage {
  /** As the Dockerfile names it. */
  readonly name: string;
  readonly image: PublishedDistribution;
}

/** An upstream distribution whose packages go into the image. */
export interface ResolvedUpstream extends ResolvedImage {
  readonly distribution: Distribution;
}

/** Everything an image of a distribution is made of. */
export interface BuildSources {
  readonly dockerfile: Dockerfile;
  readonly base: ResolvedImage;
  /** In the order of the Dockerfile. */
  readonly upstreams: readonly ResolvedUpstream[];
  readonly findings: readonly Finding[];
}

/** What is built, and how to reach what it is made of. */
export interface BuildContext {
  readonly branch: BranchCommit;
  readonly distribution: Distribution;
  readonly settings: StorageSettings;
  /** Repository of the distributions' images. */
  readonly image: Reference;
  /** Opens a repository; refuses those that nobody configured. */
  readonly open: (reference: Reference) => Repository;
  /** Whether another program carries the Dockerfile out, who may understand more of it than we do. */
  readonly isForeignBuild?: boolean;
}

export const FILE = 'Dockerfile';

/** Reads the branch's Dockerfile and resolves the images it names. */
export async function resolveSources(context: BuildContext): Promise<BuildSources> {
  const source = await readBranchFile(context.branch, FILE);
  if (source === undefined) {
    throw new ConfigurationError(
      'missing-dockerfile',
      `The branch has no ${FILE} at ${context.branch.commit}. Commit one.`,
    );
  }
  const reader = context.isForeignBuild === true ? 'other' : 'slipway';
  const outline = parseDockerfile(source, FILE, undefined, reader);
  const base = await resolveImage(outline.base, FILE, context);
  const [{ config }] = base.image.platforms;
  const dockerfile = parseDockerfile(source, FILE, { env: envOf(config), workdir: workdirOf(config) }, reader);
  checkPlace(dockerfile, context.distribution);
  checkUpstreams(dockerfile, context.distribution);
  const upstreams: ResolvedUpstream[] = [];
  for (const step of dockerfile.steps) {
    if (step.kind !== 'upstream') continue;
    const from = dockerfile.stages.get(step.stage);
    const distribution = context.settings.distributions.find(({ name }) => name === step.distribution);
    if (from === undefined || distribution === undefined) {
      throw new ConfigurationError('dockerfile', `${FILE}:${step.line}: '${step.distribution}' is no distribution.`);
    }
    upstreams.push({ ...(await resolveImage(from, FILE, context)), distribution });
  }
  const findings = [
    ...dockerfile.findings,
    ...compareUpstreams(dockerfile, upstreams, context),
    ...findIgnoreFile(context),
  ];
  return { dockerfile, base, upstreams, findings };
}

/**
 * Returns what an image says of an upstream in it. Where the Dockerfile takes the packages out of another distribution's
 * image, which contains them, they are known by what that image says of them.
 */
export function labelUpstream({ distribution: { name }, image }: ResolvedUpstream): UpstreamLabel {
  const { labels, digest } = image;
  if (labels !== undefined && labels.distribution !== name) {
    const contained = labels.upstreams.find((upstream) => upstream.name === name);
    if (contained !== undefined) return contained;
  }
  return { name, digest, revision: labels?.distribution === name ? labels.revision : undefined };
}

/** Returns what tells two images of one commit apart. */
export function inputsOf({ base, upstreams }: BuildSources): BuildInputs {
  return { base: base.image.digest, upstreams: upstreams.map(labelUpstream) };
}

/** Returns a text file of a branch; undefined when there is none. */
async function readBranchFile({ tree, blobs }: BranchCommit, path: string): Promise<string | undefined> {
  const file = tree.files.find((candidate) => candidate.path === path);
  if (file === undefined) return undefined;
  if (file.mode === '100644' || file.mode === '100755') return (await blobs.read(file.id, path)).toString('utf8');
  const what = file.mode === '120000' ? 'a symlink' : 'a submodule';
  throw new ConfigurationError('dockerfile', `${path} is ${what}. Commit the file itself.`);
}

/** Resolves an image that a Dockerfile names to a digest. */
export async function resolveImage(from: FromImage, file: string, { open }: BuildContext): Promise<ResolvedImage> {
  const reference = parseReference(from.reference);
  const { tag = 'latest', digest } = reference;
  const image = await needImage(open(reference), digest ?? tag, `${file}:${from.line}`);
  const triggers = image.platforms[0].config.config['OnBuild'];
  if (Array.isArray(triggers) && triggers.length > 0) {
    throw new ConfigurationError(
      'dockerfile',
      `${file}:${from.line}: ${from.reference} has ONBUILD triggers, which are not run. Name a base image without them.`,
    );
  }
  return { name: from.reference, image };
}

function checkPlace({ file, steps }: Dockerfile, { name }: Distribution): void {
  const step = steps.find(({ kind }) => kind === 'packages');
  if (step?.kind !== 'packages' || step.distribution === name) return;
  throw new ConfigurationError(
    'dockerfile',
    `${file}:${step.line}: the packages of '${name}' are copied to /packages/${step.distribution}. ` +
      `Write: COPY packages /packages/${name}`,
  );
}

/** Throws for a configured upstream that the Dockerfile does not copy: its packages would be served no longer. */
function checkUpstreams({ file, base, steps }: Dockerfile, { name, upstream }: Distribution): void {
  const copied = steps.flatMap((step) => (step.kind === 'upstream' ? [step.distribution] : []));
  const missing = upstream.find((each) => !copied.includes(each));
  if (missing === undefined) return;
  throw new ConfigurationError(
    'upstream-not-copied',
    `${file}:${base.line}: '${missing}' is configured as an upstream of '${name}', but its packages are not copied. ` +
      `Add: COPY --from=${missing} /packages/${missing} /packages/${missing}; or take it out of storage.distributions.${name}.upstream.`,
  );
}

/** The configuration says who is rebuilt after whom; where the Dockerfile says something else, somebody is forgotten. */
function compareUpstreams(
  { file, base, stages, steps }: Dockerfile,
  upstreams: readonly ResolvedUpstream[],
  { distribution, image }: BuildContext,
): Finding[] {
  const findings: Finding[] = [];
  const warn = (line: number, rule: string, message: string, fix: string): void => {
    findings.push({ file, line, column: 1, rule, severity: 'warning', message, fix });
  };
  for (const { distribution: upstream, name } of upstreams) {
    const step = steps.find((other) => other.kind === 'upstream' && other.distribution === upstream.name);
    const line = step?.line ?? base.line;
    if (!distribution.upstream.includes(upstream.name)) {
      warn(
        line,
        'upstream-configuration',
        `'${upstream.name}' is not configured as an upstream of '${distribution.name}': its changes start no rebuild.`,
        `Add it to storage.distributions.${distribution.name}.upstream.`,
      );
    }
    const published = formatReference({ registry: image.registry, repository: image.repository, tag: upstream.tag });
    if (formatReference(parseReference(name)) !== published) {
      warn(
        step?.kind === 'upstream' ? (stages.get(step.stage)?.line ?? line) : line,
        'upstream-tag',
        `'${upstream.name}' is taken from ${name}, but its builds move ${published}.`,
        `Name ${published} in FROM, or set storage.distributions.${upstream.name}.tag.`,
      );
    }
  }
  return findings;
}

function findIgnoreFile({ branch }: BuildContext): Finding[] {
  const file = branch.tree.files.find(({ path }) => path === '.dockerignore' || path === '.containerignore');
  if (file === undefined) return [];
  return [
    {
      file: file.path,
      line: 1,
      column: 1,
      rule: 'dockerignore',
      severity: 'warning',
      message: 'This file is not read: what the Dockerfile copies is copied as a whole.',
      fix: 'Remove from the branch what must not be in the image.',
    },
  ];
}
