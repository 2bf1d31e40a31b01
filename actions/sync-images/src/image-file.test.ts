import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseConfiguration } from '@slipway/core/configuration/configuration';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readImageFile } from './image-file.ts';
import { completeImages, readImages } from './images.ts';

const CONFIGURATION = parseConfiguration(
  'plugins: { source: cargo.example.com/team, target: harbor.example.com/release }',
);

let workspace: string;

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'image-file-'));
});

afterEach(async () => {
  await rm(workspace, { recursive: true, force: true });
});

/** Returns `source target` of each image that a file names. */
async function read(name: string, text: string, configuration = CONFIGURATION): Promise<string[]> {
  await writeFile(join(workspace, name), text);
  const listed = await readImageFile(name, { GITHUB_WORKSPACE: workspace });
  return completeImages(listed, configuration).map(({ source, target }) => `${source} ${target}`);
}

describe('a list of images in a file', () => {
  it('has lines with a source, or a source and a target, and comments', async () => {
    const text = [
      '# what we release',
      '',
      'cargo.example.com/team/a:v1',
      '  cargo.example.com/team/deep/er/b:v2   # below the source it keeps its path',
      'cargo.example.com/team/c:v3 harbor.example.com/elsewhere/c:v4\r',
      'quay.example.com/group/d:v5',
      'busybox:1.36',
    ].join('\n');
    expect(await read('images.txt', text)).toEqual([
      'cargo.example.com/team/a:v1 harbor.example.com/release/a:v1',
      'cargo.example.com/team/deep/er/b:v2 harbor.example.com/release/deep/er/b:v2',
      'cargo.example.com/team/c:v3 harbor.example.com/elsewhere/c:v4',
      'quay.example.com/group/d:v5 harbor.example.com/release/d:v5',
      'busybox:1.36 harbor.example.com/release/busybox:1.36',
    ]);
  });

  it('knows Docker Hub by any of its names', async () => {
    const configuration = parseConfiguration(
      'plugins: { source: index.docker.io/acme, target: harbor.example.com/release }',
    );
    expect(await read('images.txt', 'acme/deep/a:v1', configuration)).toEqual([
      'acme/deep/a:v1 harbor.example.com/release/deep/a:v1',
    ]);
  });

  it('has the form of skopeo sync', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const text = [
      'cargo.example.com:',
      '  images:',
      '    team/a: ["1.0", "2.0"] # both',
      '    other/b:',
      '      - v1',
      'docker.io: { images: { library/redis: ["7"] } }',
    ].join('\n');
    expect(await read('images.yaml', text)).toEqual([
      'cargo.example.com/team/a:1.0 harbor.example.com/release/a:1.0',
      'cargo.example.com/team/a:2.0 harbor.example.com/release/a:2.0',
      'cargo.example.com/other/b:v1 harbor.example.com/release/b:v1',
      'docker.io/library/redis:7 harbor.example.com/release/redis:7',
    ]);
    await expect(read('images.yml', `cargo.example.com: { images: { a: ["${digest}"] } }`)).rejects.toThrow(
      /images\.yml:1: cargo\.example\.com\/a@sha256:a+ names no target, and it has no tag/,
    );
  });

  it('has the JSON of another action', async () => {
    const [source, target] = ['cargo.example.com/team/a:v1', 'harbor.example.com/release/a:v1'];
    expect(await read('images.json', JSON.stringify([{ source, target, name: 'a' }]))).toEqual([`${source} ${target}`]);
  });

  it.each([
    ['three words', 'images.txt', '\ncargo.example.com/a:v1 b c', /^images\.txt:2: .* should be one reference/],
    ['no reference', 'images.txt', 'cargo.example.com/A:v1', /^images\.txt:1: .*no repository name/],
    ['no tag', 'images.txt', 'cargo.example.com/team/a', /^images\.txt:1: .* has no tag/],
    [
      'a number as a tag',
      'l.yaml',
      'r.example.com:\n  images:\n    a: [1.0]',
      /^l\.yaml:3: the tag 1 is no text; write it in quotes/,
    ],
    ['all tags', 'l.yaml', 'r.example.com:\n  images:\n    a: []', /^l\.yaml:3: a has no list of tags; name those/],
    [
      'a password',
      'l.yaml',
      'r.example.com:\n  credentials: {}\n',
      /^l\.yaml:2: `credentials` is not read here; .* docker login/,
    ],
    ['tags by a pattern', 'l.yaml', 'r.example.com: { images-by-tag-regex: {} }', /list them in `images`/],
    ['no registries', 'l.yaml', '- a', /^l\.yaml:1: the file should map registries/],
    [
      'a host without a dot',
      'l.yaml',
      'library:\n  images: { redis: ["7"] }',
      /^l\.yaml:1: library is no registry's host/,
    ],
    ['no YAML', 'l.yaml', 'a: [', /^l\.yaml:\d+:\d+: /],
  ])('is refused with the place of %s', async (_, name, text, message) => {
    await expect(read(name, text)).rejects.toThrow(message);
  });

  it('may begin with a byte order mark', async () => {
    const images = ['cargo.example.com/team/a:v1 harbor.example.com/release/a:v1'];
    expect(await read('images.txt', '\uFEFFcargo.example.com/team/a:v1\n')).toEqual(images);
    expect(await read('images.yaml', '\uFEFFcargo.example.com: { images: { team/a: ["v1"] } }')).toEqual(images);
    const [source, target] = images[0]?.split(' ') ?? [];
    expect(await read('images.json', `\uFEFF${JSON.stringify([{ source, target, name: 'a' }])}`)).toEqual(images);
  });

  it('lies in the workspace, or is named from the root on', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'image-file-outside-'));
    onTestFinished(() => rm(outside, { recursive: true, force: true }));
    await writeFile(join(outside, 'images.txt'), 'cargo.example.com/team/a:v1');
    await symlink(outside, join(workspace, 'link'));
    await symlink(workspace, join(outside, 'workspace'));
    await writeFile(join(workspace, 'mine.txt'), 'cargo.example.com/team/a:v1');
    const env = { GITHUB_WORKSPACE: join(outside, 'workspace') };
    expect(await readImageFile('./mine.txt', env)).toHaveLength(1);
    expect(await readImageFile(join(outside, 'images.txt'), env)).toHaveLength(1);
    for (const path of ['link/images.txt', `../${basename(outside)}/images.txt`]) {
      await expect(readImageFile(path, env), path).rejects.toThrow(/it is outside of the workspace/);
    }
    await expect(readImageFile('.', env)).rejects.toThrow(/cannot read \.: it is (?:no file|outside)/);
  });

  it('has an end, and is not told in whole', async () => {
    await expect(read('images.txt', '#'.repeat(4 * 1024 * 1024 + 1))).rejects.toThrow(/has more than 4 MiB/);
    const secret = 'x'.repeat(5000);
    const texts = [`A${secret}`, `a b ${secret}`, `cargo.example.com/a:${secret}`, `cargo.example.com/a@${secret}`];
    for (const text of [...texts, `A'${secret}`]) {
      const error = await read('images.txt', text).catch(String);
      expect(error).toMatch(/images\.txt:1: .*x…/);
      expect(error).not.toContain(secret.slice(0, 110));
    }
    const error = await read('l.yaml', `${secret.slice(0, 900)}: {}`).catch(String);
    expect(error).not.toContain(secret.slice(0, 110));
  });

  it('says that it is absent, or that the target is not configured', async () => {
    await expect(readImageFile('absent.txt', { GITHUB_WORKSPACE: workspace })).rejects.toThrow(
      /'image-file': cannot read absent\.txt.*Check the repository out before this step/,
    );
    await expect(read('images.txt', 'cargo.example.com/team/a:v1', parseConfiguration(undefined))).rejects.toThrow(
      /names no target, and the configuration has no `plugins\.target`/,
    );
  });
});

describe('the input images', () => {
  it('has the same lines', () => {
    const { list, handedOver } = readImages('cargo.example.com/team/a:v1 # new\n', 'images');
    expect(handedOver).toBe(false);
    expect(completeImages(list, CONFIGURATION)).toEqual([
      { source: 'cargo.example.com/team/a:v1', target: 'harbor.example.com/release/a:v1', name: 'a' },
    ]);
  });
});
