import type { Span } from '../dockerfile/traced-text.ts';
import { ConfigurationError } from '../errors.ts';
import { isFixedVersion, isSameVersion } from './registry-version.ts';
import { type RegistryBase, readRegistryBase, type VersionPlace } from './registry-version-places.ts';

/**
 * Returns a Dockerfile that names another version of the package registry in every place that names one, with every other
 * character as it was.
 *
 * `findDigest` is asked for each image that FROM then resolves to, and throws when there is none; the digest takes the
 * place of one that is pinned. Throws a ConfigurationError with `file`, line and reason when one place cannot be set: a
 * Dockerfile is changed as a whole or not at all.
 */
export async function setRegistryVersion(
  source: string,
  file: string,
  version: string,
  findDigest: (reference: string) => Promise<string>,
): Promise<string> {
  const refuse: Refuse = (obstacles) => {
    const lines = obstacles.map(({ line, problem }) => `${file}:${line}: ${problem}.`);
    throw new ConfigurationError('dockerfile', [...new Set(lines)].join('\n'));
  };
  const before = readRegistryBase(source, file);
  if (before === undefined) return source;
  const problems = findProblems(before, version);
  if (problems.length > 0) refuse(problems);
  const edits = before.versions.flatMap(({ span }) => (span === undefined ? [] : [{ span, text: version }]));
  const changed = applyEdits(source, edits);
  const after = readRegistryBase(changed, file);
  const left = after?.versions.filter(({ value }) => value !== version) ?? before.versions;
  if (left.length > 0) {
    refuse(left.map(({ line, place, value }) => ({ line, problem: `${place} would still name ${value}` })));
  }
  return after === undefined ? changed : pinDigests(changed, before, after, findDigest, refuse);
}

type Refuse = (obstacles: readonly { readonly line: number; readonly problem: string }[]) => never;

/** Asks for every image that has changed, and for the package registry even if it has not. */
async function pinDigests(
  source: string,
  before: RegistryBase,
  after: RegistryBase,
  findDigest: (reference: string) => Promise<string>,
  refuse: Refuse,
): Promise<string> {
  const edits: Edit[] = [];
  for (const [index, { image, tag, digest, line, isRegistry }] of after.froms.entries()) {
    const old = before.froms[index];
    if (old?.image !== image) {
      return refuse([
        { line, problem: `FROM: its image would become ${image}. Let the version be no part of its name` },
      ]);
    }
    if (!isRegistry && old.tag === tag) continue;
    const found = await findDigest(tag === '' ? image : `${image}:${tag}`);
    if (digest === undefined || digest.text === found) continue;
    if (digest.span === undefined) {
      return refuse([{ line, problem: 'FROM: the digest is put together from several pieces. Write it as one' }]);
    }
    edits.push({ span: digest.span, text: found });
  }
  return applyEdits(source, edits);
}

const CURE = `Write the version as one word, or refer to the ARG: \${PACKAGE_REGISTRY}`;

function findProblems({ versions, obstacles, image }: RegistryBase, version: string) {
  const wrong = versions.filter(({ value }) => value !== version);
  return [
    ...obstacles.filter(({ names }) => names === undefined || !endsWithVersion(names, `${image}:${version}`)),
    ...wrong.flatMap(({ line, place, problem }) =>
      problem === undefined ? [] : [{ line, problem: `${place}: ${problem}. ${CURE}` }],
    ),
    ...wrong.flatMap((place) => {
      const part = versions.find((other) => isVariantOf(place, other));
      if (part === undefined) return [];
      const problem = `${place.place}: '${place.value}' repeats '${part.value}' (line ${part.line}) with more around it`;
      return [{ line: place.line, problem: `${problem}. ${CURE}` }];
    }),
  ];
}

/** Says whether a flag names exactly this image, alone or followed by another option. */
function endsWithVersion(value: string, wanted: string): boolean {
  return value.split(',').some((option) => option.replace(/^from=/, '') === wanted);
}

/** Says whether a place names the version of another one with something around it, which would be lost: `v1.0.0-ubi`. */
function isVariantOf(place: VersionPlace, other: VersionPlace): boolean {
  if (place.span?.start === other.span?.start || isSameVersion(place.value, other.value)) return false;
  if (!isFixedVersion(other.value)) return false;
  const plain = other.value.replace(/^v/, '');
  const [before, after] = place.value.split(plain);
  return after !== undefined && /(?:^|[^A-Za-z0-9])v?$/.test(before ?? '') && !/^[A-Za-z0-9]/.test(after);
}

interface Edit {
  readonly span: Span;
  readonly text: string;
}

/** Replaces parts of a text from its end to its beginning, so that those that follow stay where they are. */
function applyEdits(source: string, edits: readonly Edit[]): string {
  const byStart = new Map(edits.map((edit) => [edit.span.start, edit]));
  return [...byStart.values()]
    .toSorted((one, other) => other.span.start - one.span.start)
    .reduce((text, { span, text: part }) => `${text.slice(0, span.start)}${part}${text.slice(span.end)}`, source);
}
