import { rmSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type AliOss, connectAliOss } from '@slipway/sandbox/oss/ali-oss-client';
import type { Inputs } from './action-command.ts';
import type { Place } from './place.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

export const OSS_REGION = 'cn-hangzhou';
export const OSS_BUCKET = 'infra';
export const OSS_KEY = { accessKeyId: 'LTAI5tBench', accessKeySecret: 'of-no-value-anywhere' };

/** A file system in memory, on Linux. */
const MEMORY = '/dev/shm';

/**
 * Returns a path for a bucket, in memory when there is room for four times `bytes`: the sandbox's OSS copies the parts of an
 * upload when it completes it, which OSS itself does not, and the disk of a stand-in is not what is measured.
 */
async function bucketDirectory(place: Place, bytes: number): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  const fresh = place.fresh('oss');
  return bavail * bsize > 4 * bytes ? join(MEMORY, `${basename(place.directory)}-${basename(fresh)}`) : fresh;
}

/** Gives `work` an OSS of its own with room for `bytes`, which goes with all it has got. */
export async function withOss<T>(place: Place, bytes: number, work: (oss: Oss) => Promise<T>): Promise<T> {
  const directory = await bucketDirectory(place, bytes);
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  // Who is interrupted leaves nothing in the memory of the machine either.
  process.once('exit', remove);
  try {
    const oss = await Oss.start(directory);
    try {
      return await work(oss);
    } finally {
      await oss.close();
    }
  } finally {
    process.off('exit', remove);
    remove();
  }
}

/** The sandbox's OSS, in a process of its own. */
export class Oss {
  readonly #server: ServerProcess;
  readonly #url: string;

  private constructor(server: ServerProcess) {
    this.#server = server;
    this.#url = server.about['url'] ?? '';
  }

  static async start(directory: string): Promise<Oss> {
    return new Oss(await startServerProcess(join(import.meta.dirname, 'processes/oss.ts'), directory));
  }

  /** The inputs of upload-oss that lead to `key`. */
  inputs(key: string): Inputs {
    return {
      destination: `oss://${OSS_BUCKET}/${key}`,
      region: OSS_REGION,
      endpoint: this.#url,
      'access-key-id': OSS_KEY.accessKeyId,
      'access-key-secret': OSS_KEY.accessKeySecret,
    };
  }

  /** Returns an address that lets anybody store one object. */
  async signedPut(key: string): Promise<string> {
    // The client signs no addresses with an IP in them; the host is not part of what is signed.
    const endpoint = this.#url.replace('127.0.0.1', 'localhost');
    const url = await this.#connect({ endpoint, cname: true, sldEnable: true }).signatureUrlV4('PUT', 3600, {}, key);
    return url.replace('localhost', '127.0.0.1');
  }

  /** Returns how many bytes the objects have. */
  async storedBytes(): Promise<number> {
    const { objects } = await this.#connect({ endpoint: this.#url }).listV2({ 'max-keys': 1000 });
    return objects.reduce((sum, { size }) => sum + size, 0);
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #connect(address: { endpoint: string; cname?: boolean; sldEnable?: boolean }): AliOss {
    return connectAliOss({
      ...OSS_KEY,
      ...address,
      region: `oss-${OSS_REGION}`,
      bucket: OSS_BUCKET,
      authorizationV4: true,
    });
  }
}
