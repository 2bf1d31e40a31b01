import { type ListeningServer, type ListenOptions, listen } from '../http-server.ts';
import { sendFile } from './blob-answer.ts';
import type { BlobStore } from './blob-store.ts';
import { readDigest } from './digest.ts';
import { RegistryError, sendError } from './registry-error.ts';

/**
 * Serves blobs from another origin, as registries that keep them in an object store do.
 *
 * The address is the permission. A request that brings credentials as well is refused with 400, the way S3 refuses
 * two ways of authentication at once: a client that forwards a registry's token to another host fails here.
 */
export function startBlobHost(options: ListenOptions, blobs: BlobStore): Promise<ListeningServer> {
  return listen(options, async (request, response, url) => {
    if (request.headers.authorization !== undefined) {
      response.writeHead(400, { 'content-type': 'application/xml' });
      response.end(
        '<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message>' +
          '<ArgumentName>Authorization</ArgumentName></Error>',
      );
      return;
    }
    const digest = readDigest(decodeURIComponent(url.pathname.slice(1)));
    const size = digest === undefined ? undefined : await blobs.size(digest);
    if (digest === undefined || size === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404);
      response.end();
      return;
    }
    try {
      await sendFile(request, response, { path: blobs.path(digest), size, digest: digest.text });
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      sendError(response, error);
    }
  });
}
