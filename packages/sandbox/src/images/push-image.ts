import { type PushCredentials, PushSession } from './push-session.ts';
import { openBlob, type SampleBlob } from './sample-blob.ts';
import type { SampleImage, SampleManifest } from './sample-image.ts';
import type { SampleIndex } from './sample-index.ts';

/**
 * Pushes an image, or an index with its images, and moves the tag last. Blobs that are there already are not sent.
 *
 * @param registryUrl scheme and host, such as `http://127.0.0.1:5000`
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#push
 */
export async function pushImage(
  registryUrl: string,
  repository: string,
  tag: string,
  image: SampleImage | SampleIndex,
  credentials?: PushCredentials,
): Promise<void> {
  const session = new PushSession(registryUrl, repository, credentials);
  const images = image.kind === 'index' ? image.children : [image];
  for (const child of images) {
    for (const blob of child.blobs) await pushBlob(session, blob);
    if (image.kind === 'index') await pushManifest(session, child.manifest.digest, child.manifest);
  }
  await pushManifest(session, tag, image.manifest);
}

/** Pushes a blob unless it is there. */
export async function pushBlob(session: PushSession, blob: SampleBlob): Promise<void> {
  const head = await session.ask(session.resolve(`blobs/${blob.digest}`), { method: 'HEAD' }, [200, 404]);
  if (head.status === 200) return;
  const opened = await session.ask(session.resolve('blobs/uploads/'), { method: 'POST' }, [202]);
  const location = session.resolve(opened.headers.location ?? '');
  location.searchParams.set('digest', blob.digest);
  await put(session, location, blob, 'application/octet-stream');
}

/** Puts a manifest under a tag or its digest. */
export function pushManifest(session: PushSession, reference: string, manifest: SampleManifest): Promise<void> {
  return put(session, session.resolve(`manifests/${reference}`), manifest, manifest.mediaType);
}

async function put(session: PushSession, url: URL, blob: SampleBlob, mediaType: string): Promise<void> {
  const headers = { 'content-type': mediaType, 'content-length': String(blob.size) };
  await session.ask(url, { method: 'PUT', headers, body: () => openBlob(blob) }, [201]);
}
