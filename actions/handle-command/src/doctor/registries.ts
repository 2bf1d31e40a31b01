import { openRegistries, pluginSide, type Side, storageSide } from '@slipway/core/action/registry-access';
import { parseReference } from '@slipway/core/image/reference';
import type { Repository } from '@slipway/core/registry/repository';
import { contentOf } from '@slipway/core/util/content';
import { type Diagnosis, failed, fine } from './diagnosis.ts';
import type { Examined } from './examined.ts';

/** An image that nobody has: asking for it shows whether the door is open. */
const PROBE = { name: 'slipway-doctor', tag: 'probe' };

/** Looks whether the registries are there and let us in. Nothing is pushed. */
export async function checkRegistries(examined: Examined): Promise<Diagnosis[]> {
  const { configuration, isRelease, isStorage } = examined;
  const { source, target, prefix } = configuration.plugins;
  const { image } = configuration.storage;
  const all: Diagnosis[] = [];
  if (isRelease && source !== undefined) {
    const side = pluginSide('source', configuration);
    all.push(await probe('source registry', examined, side, `${source}/${prefix}${PROBE.name}`, pull));
  }
  if (isRelease && target !== undefined) {
    const side = pluginSide('target', configuration);
    all.push(await probe('target registry', examined, side, `${target}/${prefix}${PROBE.name}`, askToPush));
  }
  if (isStorage && image !== undefined) {
    all.push(await probe('registry of the distributions', examined, storageSide(configuration), image, askToPush));
  }
  return all;
}

async function probe(
  check: string,
  { inputs, configuration, runtime }: Examined,
  side: Side,
  name: string,
  ask: (repository: Repository) => Promise<string>,
): Promise<Diagnosis> {
  try {
    const reference = parseReference(name);
    const registries = await openRegistries(side, [reference], inputs, configuration, runtime);
    try {
      return fine(check, await ask(registries.repository(reference)));
    } finally {
      await registries.close();
    }
  } catch (error) {
    return failed(check, 'error', error);
  }
}

async function pull(repository: Repository): Promise<string> {
  await repository.head(PROBE.tag);
  return `${repository.registry.name} lets us pull`;
}

/**
 * Goes on with an upload that nobody has begun: who may push is told that there is none, everybody else is refused. It
 * leaves nothing behind. https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pushing-a-blob-in-chunks
 */
async function askToPush({ registry, name }: Repository): Promise<string> {
  const response = await registry.request({
    method: 'PATCH',
    path: `/v2/${name}/blobs/uploads/${PROBE.name}`,
    scope: `repository:${name}:pull,push`,
    headers: { 'content-type': 'application/octet-stream' },
    body: contentOf(Buffer.alloc(0)),
    expect: [400, 404, 416],
    purpose: `be let in to push to ${name}`,
  });
  await response.discard();
  return `${registry.name} lets us push; nothing was pushed`;
}
