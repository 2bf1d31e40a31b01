import { sendJson } from '../http-server.ts';
import { requireDigest } from './digest.ts';
import type { Exchange, Habits, Stores } from './exchange.ts';
import { OCI_INDEX } from './manifest.ts';
import { RegistryError } from './registry-error.ts';

/** Answers `/v2/<repository>/tags/list`, in pages when `n` is given. */
export async function listTags(exchange: Exchange, { manifests }: Stores, repository: string): Promise<void> {
  requireGet(exchange);
  if (!(await manifests.exists(repository))) {
    throw new RegistryError(404, 'NAME_UNKNOWN', 'repository name not known to registry', { detail: { repository } });
  }
  const last = exchange.query.get('last');
  const all = (await manifests.tags(repository)).filter((tag) => last === null || tag > last);
  const limit = exchange.query.get('n');
  if (limit !== null && !/^\d+$/.test(limit)) {
    throw new RegistryError(400, 'PAGINATION_NUMBER_INVALID', 'n is not a number', { detail: limit });
  }
  const tags = limit === null ? all : all.slice(0, Number(limit));
  const end = tags.at(-1);
  const more = end !== undefined && tags.length < all.length;
  const next = `</v2/${repository}/tags/list?n=${limit}&last=${encodeURIComponent(end ?? '')}>; rel="next"`;
  sendJson(exchange.response, 200, { name: repository, tags }, more ? { link: next } : {});
}

/**
 * Answers `/v2/<repository>/referrers/<digest>`: an index of what refers to the digest, empty when nothing does.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export async function listReferrers(
  exchange: Exchange,
  { manifests }: Stores,
  habits: Habits,
  repository: string,
  reference: string,
): Promise<void> {
  requireGet(exchange);
  if (!habits.referrers) throw new RegistryError(404, 'UNSUPPORTED', 'this registry lists no referrers');
  const type = exchange.query.get('artifactType');
  const all = await manifests.referrers(repository, requireDigest(reference));
  const found = all.filter((referrer) => type === null || referrer.artifactType === type);
  sendJson(
    exchange.response,
    200,
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests: found },
    { 'content-type': OCI_INDEX, ...(type === null ? {} : { 'oci-filters-applied': 'artifactType' }) },
  );
}

function requireGet(exchange: Exchange): void {
  if (exchange.method !== 'GET') throw new RegistryError(405, 'UNSUPPORTED', `a list has no ${exchange.method}`);
}
