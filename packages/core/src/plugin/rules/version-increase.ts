import { type FileRule, positionIn } from '../rule.ts';
import { compareVersions, isVersion, nextVersion } from '../version.ts';

export const versionIncrease: FileRule = {
  id: 'version-increase',
  level: 'error',
  description: 'A changed plugin has a spec.version greater than on the base branch, by semver precedence.',
  judges: 'file',
  *judge(file) {
    const { version } = file.spec;
    const before = file.before?.spec.version;
    if (!file.touched || version === undefined || before === undefined) return;
    if (!isVersion(version.value) || !isVersion(before.value)) return;
    const order = compareVersions(version.value, before.value);
    if (order > 0) return;
    const seen = order === 0 ? 'not greater than' : 'less than';
    yield {
      file: file.path,
      position: positionIn(file, version.pointer),
      message: `spec.version is ${version.value}, ${seen} ${before.value} on the base branch, and the file has changed.`,
      fix: `Write: version: ${nextVersion(before.value)} (or greater), and the same in spec.service.image.`,
    };
  },
};
