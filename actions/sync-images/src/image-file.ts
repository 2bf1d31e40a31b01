import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { isAbsolute, resolve, sep } from 'node:path';
import { parseJson } from '@slipway/core/action/inputs';
import { ConfigurationError, messageOf } from '@slipway/core/errors';
import { parseImages } from '@slipway/core/image/image';
import { isRecord } from '@slipway/core/util/record';
import { childPointer, parseYaml, type YamlDocument, YamlError } from '@slipway/core/util/yaml-document';
import { type ListedImage, quote, readImageLines } from './images.ts';

/** A line is about a hundred bytes: this is more images than anybody copies at once. */
const LIMIT = 4 * 1024 * 1024;

/**
 * Reads a list of images from a file of the runner, relative to the workspace: lines or JSON as in the input `images`, or,
 * when its name ends with `.yaml` or `.yml`, the list that `skopeo sync --src yaml` takes.
 *
 * A relative path stays in the workspace, whatever links are on its way: what is checked out there may come from a stranger,
 * and messages quote a file.
 */
export async function readImageFile(path: string, env: NodeJS.ProcessEnv): Promise<ListedImage[]> {
  const text = (await readText(path, env['GITHUB_WORKSPACE'] ?? '')).replace(/^\uFEFF/, '');
  if (/\.ya?ml$/i.test(path)) return readYamlList(text, path);
  if (text.trimStart().startsWith('[')) {
    return parseImages(parseJson(text, path), path).map((image) => ({ image }));
  }
  return readImageLines(text, (line) => `${path}:${line}`);
}

async function readText(path: string, workspace: string): Promise<string> {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new ConfigurationError('image-file', `input 'image-file': cannot read ${path}: ${problem}.`, { cause });
  };
  try {
    const root = await realpath(resolve(workspace));
    const file = await realpath(resolve(root, path));
    if (!isAbsolute(path) && !file.startsWith(root === sep ? sep : `${root}${sep}`)) {
      return refuse(
        'it is outside of the workspace. Correct the path, or the link; elsewhere, a file is named from `/` on',
      );
    }
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await handle.stat()).isFile()) return refuse('it is no file. Correct the path');
      const buffer = Buffer.alloc(LIMIT + 1);
      let size = 0;
      for (let read = -1; read !== 0; size += read) {
        read = (await handle.read(buffer, size, buffer.length - size)).bytesRead;
      }
      if (size > LIMIT) return refuse('it has more than 4 MiB. Split the list over several steps');
      return buffer.toString('utf8', 0, size);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    return refuse(`${messageOf(error)}. Check the repository out before this step, or correct the path`, error);
  }
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
    if (!/[.:]|^localhost$/.test(registry)) {
      return refuse(
        pointer,
        `${quote(registry)} is no registry's host, it has no dot; images of Docker Hub stand below \`docker.io\``,
      );
    }
    return entriesOf(settings, pointer, `${quote(registry)} should have \`images\``).flatMap(([key, value]) => {
      const below = childPointer(pointer, key);
      if (key !== 'images')
        return refuse(below, `\`${quote(key)}\` is not read here; ${ELSEWHERE[key] ?? 'remove it'}`);
      const repositories = entriesOf(value, below, '`images` should map repositories to lists of tags');
      return repositories.flatMap(([repository, tags]) => {
        const place = childPointer(below, repository);
        if (!Array.isArray(tags) || tags.length === 0) {
          return refuse(place, `${quote(repository)} has no list of tags; name those that shall be copied`);
        }
        return tags.map((tag: unknown, index): ListedImage => {
          const own = childPointer(place, index);
          if (typeof tag !== 'string')
            return refuse(own, `the tag ${quote(JSON.stringify(tag) ?? String(tag))} is no text; write it in quotes`);
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
