import { basename } from 'node:path';
import type { Runtime } from '@slipway/core/action/action';
import { loadConfiguration } from '@slipway/core/action/configuration';
import { checkOverwrite } from '@slipway/core/action/overwrite';
import { packageName } from '@slipway/core/archive/names';
import type { Package } from '@slipway/core/archive/package';
import { type Configuration, need } from '@slipway/core/configuration/configuration';
import { ConfigurationError } from '@slipway/core/errors';
import type { ContentDigest } from '@slipway/core/object-store/content-digest';
import { OssBucket } from '@slipway/core/object-store/oss-bucket';
import { resolveOssEndpoint } from '@slipway/core/object-store/oss-endpoint';
import type { PlannedUpload } from '@slipway/core/object-store/upload';
import { formatOssUri, type OssUri, resolveDestination } from '@slipway/core/object-store/uri';
import type { Plugin } from '@slipway/core/plugin/plugin';
import { formatUploadComment } from '@slipway/core/pull-request/upload-comment';
import { formatBytes } from '@slipway/core/util/units';
import { readCredential } from './credential.ts';
import type { Inputs } from './inputs.ts';
import { streamPackage } from './stream-package.ts';
import { uploadFile } from './upload-file.ts';

export interface Outputs {
  /** With its address, once it is uploaded; empty for a file that is no package, and for one that was not made. */
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
  const content = chooseContent(inputs);
  const destination = chooseDestination(content, inputs, configuration);
  const endpoint = resolveOssEndpoint(destination.bucket, {
    region: inputs.region ?? need(configuration, 'oss.region'),
    endpoint: inputs.endpoint ?? configuration.oss.endpoint,
    secure: configuration.oss.secure,
    origin: inputs.endpoint === undefined ? 'oss.endpoint' : "input 'endpoint'",
  });
  const bucket = new OssBucket(destination.bucket, endpoint, credential, runtime.log);
  try {
    const { uploads, made } = await upload(content, bucket, destination, inputs, configuration, runtime);
    return report(uploads, made, destination, inputs, runtime);
  } finally {
    await bucket.close();
  }
}

/** What is uploaded: a file, or a plugin's package that is made on the way. */
type UploadContent = { readonly file: string } | { readonly plugin: Plugin };

function chooseContent(inputs: Inputs): UploadContent {
  const { plugin } = inputs;
  const file = inputs.file ?? inputs.package?.file;
  if (plugin !== undefined && file === undefined) return { plugin };
  if (plugin === undefined && file !== undefined) return { file };
  throw file === undefined
    ? new ConfigurationError('missing-input', "None of the inputs 'package', 'file' and 'plugin' says what to upload.")
    : new ConfigurationError(
        'conflicting-inputs',
        "Input 'plugin' makes the package while it is uploaded; 'package' and 'file' name one that is there. Give one of them.",
      );
}

function chooseDestination(content: UploadContent, inputs: Inputs, configuration: Configuration): OssUri {
  const template = inputs.destination ?? need(configuration, 'plugins.upload');
  const origin = inputs.destination === undefined ? 'plugins.upload' : "input 'destination'";
  const { prefix } = configuration.plugins;
  if ('plugin' in content) {
    const { plugin, version } = content.plugin;
    const file = packageName(prefix, content.plugin);
    return resolveDestination(template, { prefix, plugin, version, file }, origin);
  }
  const { plugin, version } = inputs.package ?? {};
  // The package's own name counts: where it lies now may be a download under another one.
  const file = basename(inputs.package?.file ?? content.file);
  return resolveDestination(template, { prefix, plugin, version, file }, origin);
}

interface Upload {
  readonly uploads: readonly PlannedUpload[];
  /** Undefined for a file that is no package, and for a package that was not made. */
  readonly made: Package | undefined;
}

async function upload(
  content: UploadContent,
  bucket: OssBucket,
  destination: OssUri,
  inputs: Inputs,
  configuration: Configuration,
  runtime: Runtime,
): Promise<Upload> {
  if ('plugin' in content) {
    const streamed = await streamPackage(content.plugin, bucket, destination, inputs, configuration, runtime);
    return { uploads: streamed.uploads, made: streamed.package };
  }
  return { uploads: await uploadFile(bucket, destination, content.file, inputs, runtime), made: inputs.package };
}

function report(
  uploads: readonly PlannedUpload[],
  made: Package | undefined,
  destination: OssUri,
  inputs: Inputs,
  runtime: Runtime,
): Outputs {
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
    package: made === undefined ? '' : { ...made, ...(!dryRun && { uri }) },
    uri,
    crc64: plan[0]?.crc64 ?? '',
    comment: dryRun ? '' : formatUploadComment([uri]),
    plan,
    changed: !dryRun && plan.some(({ result }) => result !== 'unchanged'),
  };
}
