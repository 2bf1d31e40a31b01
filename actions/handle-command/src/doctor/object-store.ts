import { resolveOssEndpoint } from '@slipway/core/object-store/oss-endpoint';
import { resolveDestination } from '@slipway/core/object-store/uri';
import { createDispatcher, send } from '@slipway/core/util/http';
import { type Diagnosis, failed, fine, ill } from './diagnosis.ts';
import type { Examined } from './examined.ts';

const CHECK = 'object store';

/** What packages would be called that are not there. */
const VALUES = { plugin: 'slipway-doctor', version: 'v0.0.0', file: 'slipway-doctor-v0.0.0.tar.gz' };

/** Milliseconds; whoever waits at a screen has no two minutes. */
const PATIENCE = 20_000;

/** Looks whether the object store answers for the bucket; without credentials, so a refusal is an answer as well. */
export async function checkObjectStore({ configuration, isRelease }: Examined): Promise<Diagnosis[]> {
  const { plugins, oss } = configuration;
  const { region } = oss;
  if (!isRelease || plugins.upload === undefined || region === undefined) return [];
  try {
    const { bucket } = resolveDestination(plugins.upload, { ...VALUES, prefix: plugins.prefix }, 'plugins.upload');
    const { origin, pathStyle } = resolveOssEndpoint(bucket, { ...oss, region });
    const url = new URL(pathStyle || isAddress(origin) ? `/${bucket}/` : '/', origin);
    if (!pathStyle && !isAddress(origin)) url.hostname = `${bucket}.${origin.hostname}`;
    return [await ask(url, `${bucket} in ${region}`)];
  } catch (error) {
    return [failed(CHECK, 'error', error)];
  }
}

async function ask(url: URL, what: string): Promise<Diagnosis> {
  const dispatcher = createDispatcher({ connections: 1 });
  try {
    const response = await send({ method: 'HEAD', url, dispatcher, patience: PATIENCE });
    await response.discard();
    const { status, headers } = response;
    if (headers['x-oss-request-id'] === undefined) {
      const found = `${url.host} answers ${status}, but not as OSS does.`;
      return ill(CHECK, 'error', found, 'Correct oss.endpoint, or see what stands between here and the object store.');
    }
    // Nobody is told about a bucket whom it does not know (403); that there is none is told everybody.
    if (status !== 404) return fine(CHECK, `${url.host} answers for ${what}`);
    return ill(
      CHECK,
      'error',
      `There is no bucket ${what}.`,
      'Correct plugins.upload and oss.region, or make the bucket.',
    );
  } finally {
    await dispatcher.destroy();
  }
}

/** An address of numbers cannot carry the bucket in front. */
function isAddress({ hostname }: URL): boolean {
  return /^[0-9.]+$/.test(hostname);
}
