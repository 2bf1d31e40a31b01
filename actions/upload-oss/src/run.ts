import { basename } from 'node:path';
import type { Runtime } from '@slipway/core/action/action';
import { loadConfiguration } from '@slipway/core/action/configuration';
import { checkOverwrite } from '@slipway/core/action/overwrite';
import type { Package } from '@slipway/core/archive/package';
import { type Configuration, need } from '@slipway/core/configuration/configuration';
import { ConfigurationError } from '@slipway/core/errors';
import { bytesSource, type ContentDigest, fileSource, type Source } from '@slipway/core/object-store/content-digest';
import { OssBucket } from '@slipway/core/object-store/oss-bucket';
import { resolveOssEndpoint } from '@slipway/core/object-store/oss-endpoint';
import { applyUpload, type PlannedUpload, planUpload } from '@slipway/core/object-store/upload';
import { checksumUri, formatOssUri, type OssUri, resolveDestination } from '@slipway/core/object-store/uri';
import { formatUploadComment } from '@slipway/core/pull-request/upload-comment';
import { Progress } from '@slipway/core/util/progress';
import { formatBytes, formatDuration } from '@slipway/core/util/units';
import { readCredential } from './credential.ts';
import type { Inputs } from './inputs.ts';

export interface Outputs {
  /** With its address, once it is uploaded; empty for a file that is no package. */
  readonly package: Package | '';
  readonly uri: string;
  /** Decimal. */
  readonly crc64: string;
  readonly comment: string;
  readonly plan: Plan;
  readonly changed: boolean;
  readonly [name: string]: unknown;
}

type Plan = readonly (ContentDigest & { readonly uri: string; readonly result: PlannedUpload['result'] })[];

/** Uploads a package to OSS, and its checksum after it: who finds the checksum finds the package too. */
export async function run(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  checkOverwrite(inputs, runtime.event);
  const credential = readCredential(inputs, runtime);
  const configuration = await loadConfiguration(inputs.config, runtime.event, inputs.token);
  const file = chooseFile(inputs);
  const destination = chooseDestination(inputs, file, configuration);
  const endpoint = resolveOssEndpoint(destination.bucket, {
    region: inputs.region ?? need(configuration, 'oss.region'),
    endpoint: inputs.endpoint ?? configuration.oss.endpoint,
    secure: configuration.oss.secure,
    origin: inputs.endpoint === undefined ? 'oss.endpoint' : "input 'endpoint'",
  });
  const bucket = new OssBucket(destination.bucket, endpoint, credential, runtime.log);
  try {
    const uploads = await planUploads(bucket, destination, file, inputs);
    for (const { planned, source } of uploads) {
      if (inputs['dry-run']) runtime.log.info(`would ${describe(planned)}`);
      else await upload(bucket, planned, source, runtime);
    }
    return report(
      uploads.map(({ planned }) => planned),
      destination,
      inputs,
      runtime,
    );
  } finally {
    await bucket.close();
  }
}

function chooseFile(inputs: Inputs): string {
  const file = inputs.file ?? inputs.package?.file;
  if (file !== undefined) return file;
  throw new ConfigurationError('missing-input', "Neither input 'package' nor input 'file' says what to upload.");
}

function chooseDestination(inputs: Inputs, file: string, configuration: Configuration): OssUri {
  const template = inputs.destination ?? need(configuration, 'plugins.upload');
  const origin = inputs.destination === undefined ? 'plugins.upload' : "input 'destination'";
  const { plugin, version } = inputs.package ?? {};
  return resolveDestination(
    template,
    // The package's own name counts: where it lies now may be a download under another one.
    { prefix: configuration.plugins.prefix, plugin, version, file: basename(inputs.package?.file ?? file) },
    origin,
  );
}

interface Upload {
  readonly planned: PlannedUpload;
  readonly source: Source;
}

/** Looks at both objects first: that a key does not open the bucket should be known before gigabytes are read. */
async function planUploads(
  bucket: OssBucket,
  destination: OssUri,
  file: string,
  inputs: Inputs,
): Promise<[Upload, Upload]> {
  const { key } = destination;
  const { key: checksumKey } = checksumUri(destination);
  const stored = await bucket.head(key);
  const storedChecksum = await bucket.head(checksumKey);
  const source = await fileSource(file);
  const { digest } = source;
  checkPackage(inputs.package, file, digest);
  const checksum = await bytesSource(Buffer.from(`${digest.sha256}  ${basename(key)}\n`));
  return [
    { planned: planUpload(bucket, key, stored, digest, inputs.overwrite), source },
    {
      planned: planUpload(bucket, checksumKey, storedChecksum, checksum.digest, inputs.overwrite),
      source: checksum,
    },
  ];
}

/** What was bundled is what is uploaded: a file that was built again, or cut, on the way is refused. */
function checkPackage(expected: Package | undefined, file: string, { sha256, size }: ContentDigest): void {
  if (expected === undefined || (expected.sha256 === sha256 && expected.size === size)) return;
  throw new ConfigurationError(
    'package-changed',
    `${file} is not the package that was bundled: it has ${size} bytes and sha256 ${sha256}, and should have ` +
      `${expected.size} bytes and sha256 ${expected.sha256}. Bundle it again.`,
  );
}

async function upload(bucket: OssBucket, planned: PlannedUpload, source: Source, { log }: Runtime): Promise<void> {
  const started = Date.now();
  const progress = new Progress(planned.uri, planned.digest.size, log);
  try {
    await applyUpload(bucket, planned, source, { log, progress });
  } finally {
    progress.stop();
  }
  const took = planned.result === 'unchanged' ? '' : ` in ${formatDuration(Date.now() - started)}, ${progress.speed()}`;
  log.info(`${describe(planned)}${took}`);
}

function describe({ result, uri, digest }: PlannedUpload): string {
  return `${result === 'unchanged' ? 'leave unchanged' : result} ${uri}, ${formatBytes(digest.size)}, crc64 ${digest.crc64}`;
}

function report(uploads: readonly PlannedUpload[], destination: OssUri, inputs: Inputs, runtime: Runtime): Outputs {
  const dryRun = inputs['dry-run'];
  const plan: Plan = uploads.map(({ uri, digest, result }) => ({ uri, result, ...digest }));
  const uri = formatOssUri(destination);
  runtime.summary.heading(dryRun ? 'Package that would be uploaded' : 'Package uploaded');
  if (inputs.overwrite) {
    runtime.log.info(`Overwriting was allowed: ${inputs.reason ?? ''}`);
    runtime.summary.paragraph(`Overwriting was allowed: ${inputs.reason ?? ''}`);
  }
  runtime.summary.table(
    ['object', 'size', 'sha256', 'crc64', 'result'],
    plan.map((object) => [
      `\`${object.uri}\``,
      formatBytes(object.size),
      `\`${object.sha256}\``,
      `\`${object.crc64}\``,
      object.result,
    ]),
  );
  return {
    package: inputs.package === undefined ? '' : { ...inputs.package, ...(!dryRun && { uri }) },
    uri,
    crc64: plan[0]?.crc64 ?? '',
    comment: dryRun ? '' : formatUploadComment([uri]),
    plan,
    changed: !dryRun && plan.some(({ result }) => result !== 'unchanged'),
  };
}
