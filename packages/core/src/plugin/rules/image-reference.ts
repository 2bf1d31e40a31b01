import { releasedName } from '../images.ts';
import { quote } from '../quote.ts';
import { type FileRule, positionIn } from '../rule.ts';
import { guessVersion, isVersion } from '../version.ts';

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
    const hasName = image.value === name || image.value.startsWith(`${name}:`);
    // Which tag is right cannot be told from a version that is wrong; that is another rule's to say.
    const isRight = tag === undefined ? hasName && image.value !== name : image.value === `${name}:${tag}`;
    if (isRight) return;
    const why = hasName ? complainAboutTag(tag) : `the released image of this plugin is ${name}`;
    const meant = tag ?? guessVersion(version?.value ?? '') ?? '<version>';
    yield {
      file: file.path,
      position: positionIn(file, image.pointer),
      message: `spec.service.image is ${quote(image.value)}, but ${why}.`,
      fix: `Write: image: ${name}:${meant}`,
    };
  },
};

function complainAboutTag(tag: string | undefined): string {
  return tag === undefined ? 'it has no tag' : `its tag is not spec.version, ${tag}`;
}
