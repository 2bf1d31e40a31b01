import { quote } from '../quote.ts';
import { type FileRule, positionIn } from '../rule.ts';
import { guessVersion, isVersion } from '../version.ts';

export const versionFormat: FileRule = {
  id: 'version-format',
  level: 'error',
  description: 'spec.version is `vMAJOR.MINOR.PATCH` with an optional prerelease and no build metadata.',
  judges: 'file',
  *judge(file) {
    const { version } = file.spec;
    if (!file.touched || version === undefined || isVersion(version.value)) return;
    const guess = guessVersion(version.value);
    yield {
      file: file.path,
      position: positionIn(file, version.pointer),
      message: `spec.version is ${quote(version.value)}, which is not vMAJOR.MINOR.PATCH with an optional prerelease.`,
      fix: guess === undefined ? 'Write a version such as: version: v0.1.0' : `Write: version: ${guess}`,
    };
  },
};
