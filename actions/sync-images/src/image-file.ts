import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseJson } from '@slipway/core/action/inputs';
import { ConfigurationError, messageOf } from '@slipway/core/errors';
import { parseImages } from '@slipway/core/image/image';
import { isRecord } from '@slipway/core/util/record';
import { childPointer, parseYaml, type YamlDocument, YamlError } from '@slipway/core/util/yaml-document';
import { type ListedImage, readImageLines } from './images.ts';

/**
 * Reads a list of images from a file of the runner, relative to the workspace: lines or JSON as in the input `images`, or,
 * when its name ends with `.yaml` or `.yml`, the list that `skopeo sync --src yaml` takes.
 */
export async function readImageFile(path: string, env: NodeJS.ProcessEnv): Promise<ListedImage[]> {
  let text: string;
  try {
    text = await readFile(resolve(env['GITHUB_WORKSPACE'] ?? '', path), 'utf8');
  } catch (error) {
    throw new ConfigurationError(
      'image-file',
      `input 'image-file': cannot read ${path}: ${messageOf(error)}. Check the repository out before this step, or correct the path.`,
      { cause: error },
    );
  }
  if (/\.ya?ml$/i.test(path)) return readYamlList(text, path);
  if (text.trimStart().startsWith('[')) {
    return parseImages(parseJson(text, path), path).map((image) => ({ image }));
  }
  return readImageLines(text, (line) => `${path}:${line}`);
}

/** Keys of skopeo's format that mean something else here, with where that is said. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'images-by-tag-regex': 'a release is copied by the tags that it names: list them in `images`',
  'images-by-semver': 'a release is copied by the tags that it names: list them in `images`',
  credentials: 'credentials do not belong into a file: run docker login before this step, or give them as inputs',
  'tls-verify': "say it in the configuration's `registries`: `plain-http`, or a `ca`",
  'cert-dir': "say it in the configuration's `registries`: `ca`",
};

/** https://github.com/containers/skopeo/blob/main/docs/skopeo-sync.1.md#yaml-file-content-used-source-for---src-yaml */
function readYamlList(text: string, path: string): ListedImage[] {
  const document = parse(text, path);
  const refuse = (pointer: string, problem: string): never => {
    const { line } = document.positionOf(pointer, 'key');
    throw new ConfigurationError('invalid-images', `${path}:${line}: ${problem}.`);
  };
  const entriesOf = (value: unknown, pointer: string, what: string): [string, unknown][] =>
    isRecord(value) ? Object.entries(value) : refuse(pointer, what);
  const registries = entriesOf(document.value, '', 'the file should map registries to their `images`');
  return registries.flatMap(([registry, settings]) => {
    const pointer = childPointer('', registry);
    return entriesOf(settings, pointer, `${registry} should have \`images\``).flatMap(([key, value]) => {
      const below = childPointer(pointer, key);
      if (key !== 'images') return refuse(below, `\`${key}\` is not read here; ${ELSEWHERE[key] ?? 'remove it'}`);
      const repositories = entriesOf(value, below, '`images` should map repositories to lists of tags');
      return repositories.flatMap(([repository, tags]) => {
        const place = childPointer(below, repository);
        if (!Array.isArray(tags) || tags.length === 0) {
          return refuse(place, `${repository} has no list of tags; name those that shall be copied`);
        }
        return tags.map((tag: unknown, index): ListedImage => {
          const own = childPointer(place, index);
          if (typeof tag !== 'string') return refuse(own, `the tag ${String(tag)} is no text; write it in quotes`);
          const separator = tag.includes(':') ? '@' : ':';
          return {
            source: `${registry}/${repository}${separator}${tag}`,
            place: `${path}:${document.positionOf(own).line}`,
          };
        });
      });
    });
  });
}

function parse(text: string, path: string): YamlDocument {
  try {
    return parseYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const { line, column } = error.position;
    throw new ConfigurationError('invalid-images', `${path}:${line}:${column}: ${error.message}.`, { cause: error });
  }
}
