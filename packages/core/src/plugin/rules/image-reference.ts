import { releasedName, releasedReference } from '../images.ts';
import { quote } from '../quote.ts';
import { type FileRule, positionIn } from '../rule.ts';
import { isVersion } from '../version.ts';

export const imageReference: FileRule = {
  id: 'image-reference',
  level: 'error',
  description: 'spec.service.image is `<target>/<prefix><plugin>:<version>`.',
  judges: 'file',
  *judge(file, { configuration }) {
    const { image, version } = file.spec;
    const { plugin } = file;
    // A renamed file keeps the image that was released under its old name.
    if (!file.touched || file.carriedFrom !== undefined || plugin === undefined || !image?.value) return;
    const name = releasedName(configuration, plugin);
    const tag = version !== undefined && isVersion(version.value) ? version.value : undefined;
    const expected = tag === undefined ? `${name}:<version>` : releasedReference(configuration, plugin, tag);
    const isRight = tag === undefined ? image.value.startsWith(`${name}:`) : image.value === expected;
    if (isRight) return;
    const why =
      image.value.startsWith(`${name}:`) || image.value === name
        ? `its tag is not spec.version, ${tag}`
        : `the released image of this plugin is ${name}`;
    yield {
      file: file.path,
      position: positionIn(file, image.pointer),
      message: `spec.service.image is ${quote(image.value)}, but ${why}.`,
      fix: `Write: image: ${expected}`,
    };
  },
};
