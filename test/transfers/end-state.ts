import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { TAG } from './cargo.ts';
import { BUCKET, type Job, KEY, PACKAGE, type TransferPlace } from './place.ts';

/**
 * Returns what is wrong with what a job has left behind, read from the servers' disks and not through their protocols.
 *
 * Whether it failed or was killed, there is no wrong byte under a digest, no tag whose parts are not all there, no object
 * and no file that is not whole. `whole` asks for more: that the work is done.
 */
export async function findWrongs(place: TransferPlace, job: Job, whole: boolean): Promise<string[]> {
  const wrongs = [
    ...(await wrongsOfRegistry(place)),
    ...(await wrongsOfBucket(place)),
    ...(await wrongsOfFiles(place)),
  ];
  if (whole) wrongs.push(...(await missingOf(place, job)));
  return wrongs;
}

async function wrongsOfRegistry({ directory, target, cargo }: TransferPlace): Promise<string[]> {
  const wrongs = await misnamed(join(directory, 'target/blobs/sha256'));
  const { state } = target;
  const wanted = new Map(cargo.images.map(({ name, image }) => [`release/acme-${name}:${TAG}`, image]));
  for (const repository of await state.repositories()) {
    const tags = await state.tags(repository);
    for (const tag of tags) {
      const image = wanted.get(`${repository}:${tag}`);
      const stored = await state.manifest(repository, tag);
      if (image === undefined) wrongs.push(`nobody wanted ${repository}:${tag}`);
      else if (stored?.digest !== image.manifest.digest) wrongs.push(`${repository}:${tag} is ${stored?.digest}`);
      for (const { digest } of image?.blobs ?? []) {
        if (!(await state.hasBlob(digest, repository))) wrongs.push(`${repository}:${tag} lacks ${digest}`);
      }
    }
  }
  return wrongs;
}

async function wrongsOfBucket(place: TransferPlace): Promise<string[]> {
  const wrongs: string[] = [];
  const objects = await place.oss.objects(BUCKET);
  const keys = objects.map(({ key }) => key);
  for (const { key, body } of objects) {
    const sha256 = await hashOf(body);
    if (key === KEY) {
      if (sha256 !== place.package.sha256) wrongs.push(`${key} has the SHA-256 ${sha256}`);
    } else if (key === `${KEY}.sha256`) {
      wrongs.push(...wrongsOfChecksum(await readFile(body, 'utf8'), place.package.sha256, keys));
    } else {
      wrongs.push(`nobody wanted the object ${key}`);
    }
  }
  return wrongs;
}

/** Who finds the checksum finds the package too. */
function wrongsOfChecksum(line: string, sha256: string, beside: readonly string[]): string[] {
  const wrongs = line === `${sha256}  ${PACKAGE}\n` ? [] : [`the checksum says ${line}`];
  return beside.some((name) => basename(name) === PACKAGE) ? wrongs : [...wrongs, 'there is a checksum of nothing'];
}

/** Of a run that was killed partial files may stay, under names of their own, until the next one. */
async function wrongsOfFiles(place: TransferPlace): Promise<string[]> {
  const wrongs: string[] = [];
  const names = (await list(place.output)).filter((name) => !name.endsWith('.partial'));
  for (const name of names) {
    const path = join(place.output, name);
    if (name === PACKAGE) {
      if ((await hashOf(path)) !== place.package.sha256) wrongs.push(`the file ${name} is another`);
    } else if (name === `${PACKAGE}.sha256`) {
      wrongs.push(...wrongsOfChecksum(await readFile(path, 'utf8'), place.package.sha256, names));
    } else {
      wrongs.push(`nobody wanted the file ${name}`);
    }
  }
  for (const work of await list(join(place.directory, 'work'))) {
    wrongs.push(...(await misnamed(join(place.temp(work), 'slipway/blobs/sha256'))));
  }
  return wrongs;
}

async function missingOf(place: TransferPlace, job: Job): Promise<string[]> {
  switch (job) {
    case 'sync': {
      const missing: string[] = [];
      for (const { name } of place.cargo.images) {
        const found = await place.target.state.manifest(`release/acme-${name}`, TAG);
        if (found === undefined) missing.push(`there is no tag of ${name}`);
      }
      return missing;
    }
    case 'bundle': {
      const names = await list(place.output);
      return names.join(' ') === `${PACKAGE} ${PACKAGE}.sha256` ? [] : [`there are the files ${names.join(' ')}`];
    }
    default: {
      const keys = (await place.oss.objects(BUCKET)).map(({ key }) => key);
      const parts = (await place.oss.uploads(BUCKET)).flatMap((upload) => upload.parts);
      return [
        ...(keys.join(' ') === `${KEY} ${KEY}.sha256` ? [] : [`there are the objects ${keys.join(' ')}`]),
        ...(parts.length === 0 ? [] : [`${parts.length} parts are stored, and paid, that nobody uses`]),
      ];
    }
  }
}

/** Returns what partial files a run has left that came to its end by itself. */
export async function leftovers(place: TransferPlace, work = 'first'): Promise<string[]> {
  const names = [...(await readdir(place.temp(work), { recursive: true })), ...(await list(place.output))];
  return names.filter((name) => name.endsWith('.partial'));
}

/** Returns the files below a directory whose names are not the SHA-256 of what they hold. */
async function misnamed(directory: string): Promise<string[]> {
  const wrongs: string[] = [];
  for (const name of await list(directory, true)) {
    if (!/^[0-9a-f]{64}$/.test(basename(name))) continue;
    if ((await hashOf(join(directory, name))) !== basename(name)) wrongs.push(`${directory}/${name} holds other bytes`);
  }
  return wrongs;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  const chunks = createReadStream(path, { highWaterMark: 1024 * 1024 });
  for await (const chunk of chunks as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

async function list(directory: string, recursive = false): Promise<string[]> {
  try {
    return (await readdir(directory, { recursive })).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
