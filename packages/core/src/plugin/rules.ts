import type { Rule } from './rule.ts';
import { fileEncoding } from './rules/file-encoding.ts';
import { fileKind } from './rules/file-kind.ts';
import { fileName } from './rules/file-name.ts';
import { fileSize } from './rules/file-size.ts';
import { imageReference } from './rules/image-reference.ts';
import { metadataName } from './rules/metadata-name.ts';
import { portConflict } from './rules/port-conflict.ts';
import { pullRequestImages } from './rules/pull-request-images.ts';
import { samePlugin } from './rules/same-plugin.ts';
import { schema } from './rules/schema.ts';
import { slotConflict } from './rules/slot-conflict.ts';
import { sourceImage } from './rules/source-image.ts';
import { unknownKey } from './rules/unknown-key.ts';
import { versionFormat } from './rules/version-format.ts';
import { versionIncrease } from './rules/version-increase.ts';
import { yamlSyntax } from './rules/yaml-syntax.ts';

/** The rules about plugins; those about a pull request's own form are in `pull-request/rules.ts`, with the whole list. */
export const PLUGIN_RULES: readonly Rule[] = [
  fileName,
  fileKind,
  fileSize,
  fileEncoding,
  yamlSyntax,
  schema,
  unknownKey,
  metadataName,
  versionFormat,
  versionIncrease,
  imageReference,
  slotConflict,
  portConflict,
  samePlugin,
  pullRequestImages,
  sourceImage,
];
